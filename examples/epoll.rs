//! Reads events in a loop that waits for other files as well: here, a timer of the program's own.

use auditlink::iter::Next;
use auditlink::{Delivery, Events, Receiver};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};

const RECORDS: u64 = 0;
const TIMER: u64 = 1;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::TFD_NONBLOCK)?;
    let every = Expiration::Interval(std::time::Duration::from_secs(1).into());
    timer.set(every, TimerSetTimeFlags::empty())?;

    let mut events = Events::new(Receiver::observer().open()?);
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
    epoll.add(events.source(), EpollEvent::new(EpollFlags::EPOLLIN, RECORDS))?;
    epoll.add(&timer, EpollEvent::new(EpollFlags::EPOLLIN, TIMER))?;

    let (mut seconds, mut seen, mut lost) = (0, 0, 0);
    while seconds < 10 {
        // all that is there, then wait, but not beyond the time when an open event is due
        while let Next::Item(delivery) = events.try_next()? {
            match delivery {
                Delivery::Event(_) => seen += 1,
                Delivery::Loss(loss) => {
                    eprintln!("{loss}");
                    lost += 1;
                }
            }
        }
        let timeout = match events.time_left() {
            // rounded up, or the last millisecond would be a busy loop
            Some(left) => EpollTimeout::try_from(left + std::time::Duration::from_millis(1))?,
            None => EpollTimeout::NONE,
        };
        let mut ready = [EpollEvent::empty(); 2];
        let count = epoll.wait(&mut ready, timeout)?;
        if ready.iter().take(count).any(|file| file.data() == TIMER) {
            timer.wait()?;
            seconds += 1;
            println!("{seconds} s: events={seen} losses={lost}");
        }
    }
    Ok(())
}
