//! Reads events in an epoll loop together with a descriptor of the program: here, a timer.

use std::io::{self, Write as _};
use std::time::Duration;

use auditlink::iter::Next;
use auditlink::{Delivery, Events, Receiver};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

const RECORDS: u64 = 0;
const TIMER: u64 = 1;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK)?;
    let every_second = Expiration::Interval(Duration::from_secs(1).into());
    timer.set(every_second, TimerSetTimeFlags::empty())?;

    let mut events = Events::new(Receiver::observer().open()?);
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(events.source(), EpollEvent::new(EpollFlags::EPOLLIN, RECORDS))?;
    epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;

    let (mut seconds, mut seen, mut lost) = (0, 0, 0);
    while seconds < 10 {
        // Take all deliveries, then wait, but only until the next open event expires.
        while let Next::Item(delivery) = events.try_next()? {
            match delivery {
                Delivery::Event(_) => seen += 1,
                Delivery::Loss(loss) => {
                    writeln!(io::stderr(), "{loss}")?;
                    lost += 1;
                }
            }
        }
        let timeout = match events.time_left() {
            // Rounded up, because epoll counts in milliseconds: rounding down would make a busy loop.
            Some(left) => EpollTimeout::try_from(left + Duration::from_millis(1))?,
            None => EpollTimeout::NONE,
        };
        let mut ready = [EpollEvent::empty(); 2];
        let count = epoll.wait(&mut ready, timeout)?;
        if ready.iter().take(count).any(|file| file.data() == TIMER) {
            timer.wait()?;
            seconds += 1;
            writeln!(io::stdout(), "{seconds} s: events={seen} losses={lost}")?;
        }
    }
    Ok(())
}
