//! The `MAC_TASK_CONTEXTS` and `MAC_OBJ_CONTEXTS` records: the labels of several security modules.

use super::view;
use crate::record::{Interpretation, Label};

view! {
    /// A `MAC_TASK_CONTEXTS` or `MAC_OBJ_CONTEXTS` record: the labels that several security modules
    /// give a process or an object, whose field `subj` or `obj` is `?` then.
    ///
    /// Source: `kernel/audit.c`, `audit_log_subj_ctx` and `audit_log_obj_ctx`.
    ///
    /// # Kernel version
    ///
    /// Linux 6.18, and Ubuntu 22.04 and later under the numbers 1420 and 1421.
    ///
    /// # Examples
    ///
    /// ```
    /// use auditlink::{MessageType, Record};
    ///
    /// let text = b"audit(1700000000.123:30): subj_selinux=u:r:t:s0 subj_apparmor=unconfined";
    /// let record = Record::parse(MessageType::MAC_TASK_CONTEXTS, text)?;
    /// let view = record.as_mac_contexts().ok_or("another type")?;
    /// let labels: Vec<_> = view.labels().map(|(module, label)| (module, label.as_bytes())).collect();
    /// assert_eq!(labels[1], (&b"apparmor"[..], &b"unconfined"[..]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[doc(alias = "AUDIT_MAC_TASK_CONTEXTS")]
    #[doc(alias = "AUDIT_MAC_OBJ_CONTEXTS")]
    MacContexts, as_mac_contexts, "a `MAC_TASK_CONTEXTS` or `MAC_OBJ_CONTEXTS` record",
    [MAC_TASK_CONTEXTS, MAC_OBJ_CONTEXTS];
}

impl<'a> MacContexts<'a> {
    /// Iterates over the security modules that gave a label, such as `selinux`, each with its label.
    pub fn labels(&self) -> impl Iterator<Item = (&'a [u8], Label<'a>)> + use<'a> {
        self.record.interpretations().filter_map(|(field, interpretation)| {
            let module = field.name.strip_prefix(b"subj_");
            match (module.or_else(|| field.name.strip_prefix(b"obj_")), interpretation) {
                (Some(module), Interpretation::Label(label)) => Some((module, label)),
                _ => None,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message_type::MessageType;
    use crate::record::view::tests::record;

    #[test]
    fn labels_of_several_modules() {
        let labels = |number, body| -> Vec<_> {
            let record = record(MessageType::new(number), body);
            record.as_mac_contexts().expect("a view").labels().collect()
        };
        assert_eq!(
            labels(1420, "subj_apparmor=/usr/bin/man (enforce) subj_smack=_ subj_selinux=?"),
            [
                (&b"apparmor"[..], Label::new(b"/usr/bin/man (enforce)")),
                (b"smack", Label::new(b"_"))
            ]
        );
        assert_eq!(
            labels(1421, "obj_selinux=\"u:object_r:t:s0\""),
            [(&b"selinux"[..], Label::new(b"u:object_r:t:s0"))]
        );
        assert_eq!(labels(1426, "obj_selinux=u:object_r:t:s0").len(), 1);
        assert!(record(MessageType::new(1420), "ipe_op=EXECUTE").as_mac_contexts().is_none());
    }
}
