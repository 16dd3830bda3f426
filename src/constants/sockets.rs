//! Names of what is done with sockets.

use super::{Names, flags, names};

flags! {
    /// The flags of `send` and `recv`.
    MESSAGE_FLAGS {
        0x1 MSG_OOB, 0x2 MSG_PEEK, 0x4 MSG_DONTROUTE, 0x8 MSG_CTRUNC, 0x10 MSG_PROXY,
        0x20 MSG_TRUNC, 0x40 MSG_DONTWAIT, 0x80 MSG_EOR, 0x100 MSG_WAITALL, 0x200 MSG_FIN,
        0x400 MSG_SYN, 0x800 MSG_CONFIRM, 0x1000 MSG_RST, 0x2000 MSG_ERRQUEUE,
        0x4000 MSG_NOSIGNAL, 0x8000 MSG_MORE, 0x1_0000 MSG_WAITFORONE,
        0x2_0000 MSG_SENDPAGE_NOTLAST, 0x4_0000 MSG_BATCH, 0x400_0000 MSG_ZEROCOPY,
        0x2000_0000 MSG_FASTOPEN, 0x4000_0000 MSG_CMSG_CLOEXEC, 0x8000_0000 MSG_CMSG_COMPAT,
    }

    /// The types of sockets, and the flags that can be added to them.
    SOCKET_TYPE_FLAGS {
        0xF/1 SOCK_STREAM, 0xF/2 SOCK_DGRAM, 0xF/3 SOCK_RAW, 0xF/4 SOCK_RDM,
        0xF/5 SOCK_SEQPACKET, 0xF/6 SOCK_DCCP, 0xF/10 SOCK_PACKET, 0x800 SOCK_NONBLOCK,
        0x8_0000 SOCK_CLOEXEC,
    }
}

names! {
    /// The address families, `AF_*`, as auditctl spells them.
    ///
    /// Source: `include/linux/socket.h`.
    ADDRESS_FAMILIES {
        unspec = 0, local = 1, unix = 1, inet = 2, ax25 = 3, ipx = 4, appletalk = 5, netrom = 6,
        bridge = 7, atmpvc = 8, x25 = 9, inet6 = 10, rose = 11, decnet = 12, netbeui = 13,
        security = 14, key = 15, netlink = 16, packet = 17, ash = 18, econet = 19, atmsvc = 20,
        rds = 21, sna = 22, irda = 23, pppox = 24, wanpipe = 25, llc = 26, ib = 27, mpls = 28,
        can = 29, tipc = 30, bluetooth = 31, iucv = 32, rxrpc = 33, isdn = 34, phonet = 35,
        ieee802154 = 36, caif = 37, alg = 38, nfc = 39, vsock = 40, kcm = 41, qipcrtr = 42,
        smc = 43, xdp = 44, mctp = 45,
    }

    /// The operations of `socketcall`.
    SOCKET_CALLS {
        socket = 1, bind = 2, connect = 3, listen = 4, accept = 5, getsockname = 6,
        getpeername = 7, socketpair = 8, send = 9, recv = 10, sendto = 11, recvfrom = 12,
        shutdown = 13, setsockopt = 14, getsockopt = 15, sendmsg = 16, recvmsg = 17,
        accept4 = 18, recvmmsg = 19, sendmmsg = 20,
    }

    /// The levels of socket options that are not protocols of [`PROTOCOLS`].
    SOCKET_LEVELS {
        SOL_SOCKET = 1, SOL_X25 = 262, SOL_IPX = 256, SOL_AX25 = 257, SOL_ATALK = 258,
        SOL_NETROM = 259, SOL_ROSE = 260, SOL_DECNET = 261, SOL_PACKET = 263, SOL_ATM = 264,
        SOL_AAL = 265, SOL_IRDA = 266, SOL_NETBEUI = 267, SOL_LLC = 268, SOL_DCCP = 269,
        SOL_NETLINK = 270, SOL_TIPC = 271, SOL_RXRPC = 272, SOL_PPPOL2TP = 273,
        SOL_BLUETOOTH = 274, SOL_PNPIPE = 275, SOL_RDS = 276, SOL_IUCV = 277, SOL_CAIF = 278,
        SOL_ALG = 279, SOL_NFC = 280, SOL_KCM = 281, SOL_TLS = 282, SOL_XDP = 283,
        SOL_MPTCP = 284, SOL_MCTP = 285, SOL_SMC = 286, SOL_VSOCK = 287,
    }

    /// The options of `SOL_SOCKET`, except on MIPS.
    SOCKET_OPTIONS {
        SO_DEBUG = 1, SO_REUSEADDR = 2, SO_TYPE = 3, SO_ERROR = 4, SO_DONTROUTE = 5,
        SO_BROADCAST = 6, SO_SNDBUF = 7, SO_RCVBUF = 8, SO_KEEPALIVE = 9, SO_OOBINLINE = 10,
        SO_NO_CHECK = 11, SO_PRIORITY = 12, SO_LINGER = 13, SO_BSDCOMPAT = 14, SO_REUSEPORT = 15,
        SO_PASSCRED = 16, SO_PEERCRED = 17, SO_RCVLOWAT = 18, SO_SNDLOWAT = 19, SO_RCVTIMEO = 20,
        SO_SNDTIMEO = 21, SO_SECURITY_AUTHENTICATION = 22, SO_SECURITY_ENCRYPTION_TRANSPORT = 23,
        SO_SECURITY_ENCRYPTION_NETWORK = 24, SO_BINDTODEVICE = 25, SO_ATTACH_FILTER = 26,
        SO_DETACH_FILTER = 27, SO_PEERNAME = 28, SO_TIMESTAMP = 29, SO_ACCEPTCONN = 30,
        SO_PEERSEC = 31, SO_SNDBUFFORCE = 32, SO_RCVBUFFORCE = 33, SO_PASSSEC = 34,
        SO_TIMESTAMPNS = 35, SO_MARK = 36, SO_TIMESTAMPING = 37, SO_PROTOCOL = 38,
        SO_DOMAIN = 39, SO_RXQ_OVFL = 40, SO_WIFI_STATUS = 41, SO_PEEK_OFF = 42, SO_NOFCS = 43,
        SO_LOCK_FILTER = 44, SO_SELECT_ERR_QUEUE = 45, SO_BUSY_POLL = 46,
        SO_MAX_PACING_RATE = 47, SO_BPF_EXTENSIONS = 48, SO_INCOMING_CPU = 49,
        SO_ATTACH_BPF = 50, SO_ATTACH_REUSEPORT_CBPF = 51, SO_ATTACH_REUSEPORT_EBPF = 52,
        SO_CNX_ADVICE = 53, SCM_TIMESTAMPING_OPT_STATS = 54, SO_MEMINFO = 55,
        SO_INCOMING_NAPI_ID = 56, SO_COOKIE = 57, SCM_TIMESTAMPING_PKTINFO = 58,
        SO_PEERGROUPS = 59, SO_ZEROCOPY = 60, SO_TXTIME = 61, SO_BINDTOIFINDEX = 62,
        SO_TIMESTAMP_NEW = 63, SO_TIMESTAMPNS_NEW = 64, SO_TIMESTAMPING_NEW = 65,
        SO_RCVTIMEO_NEW = 66, SO_SNDTIMEO_NEW = 67, SO_DETACH_REUSEPORT_BPF = 68,
        SO_PREFER_BUSY_POLL = 69, SO_BUSY_POLL_BUDGET = 70, SO_NETNS_COOKIE = 71,
        SO_BUF_LOCK = 72, SO_RESERVE_MEM = 73, SO_TXREHASH = 74, SO_RCVMARK = 75,
    }

    /// The options of IPv4.
    IP_OPTIONS {
        IP_TOS = 1, IP_TTL = 2, IP_HDRINCL = 3, IP_OPTIONS = 4, IP_ROUTER_ALERT = 5,
        IP_RECVOPTS = 6, IP_RETOPTS = 7, IP_PKTINFO = 8, IP_PKTOPTIONS = 9, IP_MTU_DISCOVER = 10,
        IP_RECVERR = 11, IP_RECVTTL = 12, IP_RECVTOS = 13, IP_MTU = 14, IP_FREEBIND = 15,
        IP_IPSEC_POLICY = 16, IP_XFRM_POLICY = 17, IP_PASSSEC = 18, IP_TRANSPARENT = 19,
        IP_ORIGDSTADDR = 20, IP_MINTTL = 21, IP_NODEFRAG = 22, IP_CHECKSUM = 23,
        IP_BIND_ADDRESS_NO_PORT = 24, IP_RECVFRAGSIZE = 25, IP_RECVERR_RFC4884 = 26,
        IP_MULTICAST_IF = 32, IP_MULTICAST_TTL = 33, IP_MULTICAST_LOOP = 34,
        IP_ADD_MEMBERSHIP = 35, IP_DROP_MEMBERSHIP = 36, IP_UNBLOCK_SOURCE = 37,
        IP_BLOCK_SOURCE = 38, IP_ADD_SOURCE_MEMBERSHIP = 39, IP_DROP_SOURCE_MEMBERSHIP = 40,
        IP_MSFILTER = 41, MCAST_JOIN_GROUP = 42, MCAST_BLOCK_SOURCE = 43,
        MCAST_UNBLOCK_SOURCE = 44, MCAST_LEAVE_GROUP = 45, MCAST_JOIN_SOURCE_GROUP = 46,
        MCAST_LEAVE_SOURCE_GROUP = 47, MCAST_MSFILTER = 48, IP_MULTICAST_ALL = 49,
        IP_UNICAST_IF = 50, IP_LOCAL_PORT_RANGE = 51, IP_PROTOCOL = 52, IPT_SO_SET_REPLACE = 64,
        IPT_SO_SET_ADD_COUNTERS = 65, IPT_SO_GET_REVISION_MATCH = 66,
        IPT_SO_GET_REVISION_TARGET = 67, SO_ORIGINAL_DST = 80,
    }

    /// The options of IPv6.
    IPV6_OPTIONS {
        IPV6_ADDRFORM = 1, IPV6_2292PKTINFO = 2, IPV6_2292HOPOPTS = 3, IPV6_2292DSTOPTS = 4,
        IPV6_2292RTHDR = 5, IPV6_2292PKTOPTIONS = 6, IPV6_CHECKSUM = 7, IPV6_2292HOPLIMIT = 8,
        IPV6_NEXTHOP = 9, IPV6_AUTHHDR = 10, IPV6_FLOWINFO = 11, IPV6_UNICAST_HOPS = 16,
        IPV6_MULTICAST_IF = 17, IPV6_MULTICAST_HOPS = 18, IPV6_MULTICAST_LOOP = 19,
        IPV6_ADD_MEMBERSHIP = 20, IPV6_DROP_MEMBERSHIP = 21, IPV6_ROUTER_ALERT = 22,
        IPV6_MTU_DISCOVER = 23, IPV6_MTU = 24, IPV6_RECVERR = 25, IPV6_V6ONLY = 26,
        IPV6_JOIN_ANYCAST = 27, IPV6_LEAVE_ANYCAST = 28, IPV6_MULTICAST_ALL = 29,
        IPV6_ROUTER_ALERT_ISOLATE = 30, IPV6_RECVERR_RFC4884 = 31, IPV6_FLOWLABEL_MGR = 32,
        IPV6_FLOWINFO_SEND = 33, IPV6_IPSEC_POLICY = 34, IPV6_XFRM_POLICY = 35,
        IPV6_HDRINCL = 36, MCAST_JOIN_GROUP = 42, MCAST_BLOCK_SOURCE = 43,
        MCAST_UNBLOCK_SOURCE = 44, MCAST_LEAVE_GROUP = 45, MCAST_JOIN_SOURCE_GROUP = 46,
        MCAST_LEAVE_SOURCE_GROUP = 47, MCAST_MSFILTER = 48, IPV6_RECVPKTINFO = 49,
        IPV6_PKTINFO = 50, IPV6_RECVHOPLIMIT = 51, IPV6_HOPLIMIT = 52, IPV6_RECVHOPOPTS = 53,
        IPV6_HOPOPTS = 54, IPV6_RTHDRDSTOPTS = 55, IPV6_RECVRTHDR = 56, IPV6_RTHDR = 57,
        IPV6_RECVDSTOPTS = 58, IPV6_DSTOPTS = 59, IPV6_RECVPATHMTU = 60, IPV6_PATHMTU = 61,
        IPV6_DONTFRAG = 62, IPV6_USE_MIN_MTU = 63, IP6T_SO_SET_REPLACE = 64,
        IP6T_SO_SET_ADD_COUNTERS = 65, IPV6_RECVTCLASS = 66, IPV6_TCLASS = 67,
        IP6T_SO_GET_REVISION_MATCH = 68, IP6T_SO_GET_REVISION_TARGET = 69,
        IPV6_AUTOFLOWLABEL = 70, IPV6_ADDR_PREFERENCES = 72, IPV6_MINHOPCOUNT = 73,
        IPV6_ORIGDSTADDR = 74, IPV6_TRANSPARENT = 75, IPV6_UNICAST_IF = 76,
        IPV6_RECVFRAGSIZE = 77, IPV6_FREEBIND = 78, IP6T_SO_ORIGINAL_DST = 80,
    }

    /// The options of TCP.
    TCP_OPTIONS {
        TCP_NODELAY = 1, TCP_MAXSEG = 2, TCP_CORK = 3, TCP_KEEPIDLE = 4, TCP_KEEPINTVL = 5,
        TCP_KEEPCNT = 6, TCP_SYNCNT = 7, TCP_LINGER2 = 8, TCP_DEFER_ACCEPT = 9,
        TCP_WINDOW_CLAMP = 10, TCP_INFO = 11, TCP_QUICKACK = 12, TCP_CONGESTION = 13,
        TCP_MD5SIG = 14, TCP_COOKIE_TRANSACTIONS = 15, TCP_THIN_LINEAR_TIMEOUTS = 16,
        TCP_THIN_DUPACK = 17, TCP_USER_TIMEOUT = 18, TCP_REPAIR = 19, TCP_REPAIR_QUEUE = 20,
        TCP_QUEUE_SEQ = 21, TCP_REPAIR_OPTIONS = 22, TCP_FASTOPEN = 23, TCP_TIMESTAMP = 24,
        TCP_NOTSENT_LOWAT = 25, TCP_CC_INFO = 26, TCP_SAVE_SYN = 27, TCP_SAVED_SYN = 28,
        TCP_REPAIR_WINDOW = 29, TCP_FASTOPEN_CONNECT = 30, TCP_ULP = 31, TCP_MD5SIG_EXT = 32,
        TCP_FASTOPEN_KEY = 33, TCP_FASTOPEN_NO_COOKIE = 34, TCP_ZEROCOPY_RECEIVE = 35,
        TCP_INQ = 36, TCP_TX_DELAY = 37,
    }

    /// The options of UDP.
    UDP_OPTIONS {
        UDP_CORK = 1, UDP_ENCAP = 100, UDP_NO_CHECK6_TX = 101, UDP_NO_CHECK6_RX = 102,
        UDP_SEGMENT = 103, UDP_GRO = 104,
    }

    /// The options of packet sockets.
    PACKET_OPTIONS {
        PACKET_ADD_MEMBERSHIP = 1, PACKET_DROP_MEMBERSHIP = 2, PACKET_RECV_OUTPUT = 3,
        PACKET_RX_RING = 5, PACKET_STATISTICS = 6, PACKET_COPY_THRESH = 7, PACKET_AUXDATA = 8,
        PACKET_ORIGDEV = 9, PACKET_VERSION = 10, PACKET_HDRLEN = 11, PACKET_RESERVE = 12,
        PACKET_TX_RING = 13, PACKET_LOSS = 14, PACKET_VNET_HDR = 15, PACKET_TX_TIMESTAMP = 16,
        PACKET_TIMESTAMP = 17, PACKET_FANOUT = 18, PACKET_TX_HAS_OFF = 19,
        PACKET_QDISC_BYPASS = 20, PACKET_ROLLOVER_STATS = 21, PACKET_FANOUT_DATA = 22,
        PACKET_IGNORE_OUTGOING = 23,
    }
}

/// The protocols of IP, as `/etc/protocols` spells them.
///
/// Source: the IANA registry of protocol numbers.
#[rustfmt::skip]
pub(crate) static PROTOCOLS: Names = Names::new(&[
    (0, "ip"), (1, "icmp"), (2, "igmp"), (3, "ggp"), (4, "ipencap"), (5, "st"), (6, "tcp"),
    (8, "egp"), (9, "igp"), (12, "pup"), (17, "udp"), (20, "hmp"), (22, "xns-idp"), (27, "rdp"),
    (29, "iso-tp4"), (33, "dccp"), (36, "xtp"), (37, "ddp"), (38, "idpr-cmtp"), (41, "ipv6"),
    (43, "ipv6-route"), (44, "ipv6-frag"), (45, "idrp"), (46, "rsvp"), (47, "gre"), (50, "esp"),
    (51, "ah"), (57, "skip"), (58, "ipv6-icmp"), (59, "ipv6-nonxt"), (60, "ipv6-opts"),
    (73, "rspf"), (81, "vmtp"), (88, "eigrp"), (89, "ospf"), (93, "ax.25"), (94, "ipip"),
    (97, "etherip"), (98, "encap"), (103, "pim"), (108, "ipcomp"), (112, "vrrp"), (115, "l2tp"),
    (124, "isis"), (132, "sctp"), (133, "fc"), (135, "mobility-header"), (136, "udplite"),
    (137, "mpls-in-ip"), (138, "manet"), (139, "hip"), (140, "shim6"), (141, "wesp"),
    (142, "rohc"), (143, "ethernet"), (262, "mptcp"), (262, "mptcp"),
]);
