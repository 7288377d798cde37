//! Random programs on a queue and on a plain model of it: the same results, and the same waits woken.

use std::cmp;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::super::{
    Get, GetNowaitError, Join, LifoQueue, Order, PriorityQueue, Put, PutNowaitError, Queue,
    QueueShutDown,
};
use super::{Count, poll};

/// Compares by its priority alone.
#[derive(Debug, Clone, Copy)]
struct Item {
    priority: u64,
    number: u64,
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.priority == other.priority
    }
}

impl Eq for Item {}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Self) -> cmp::Ordering {
        self.priority.cmp(&other.priority)
    }
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Fifo,
    Lifo,
    Priority,
}

/// What the module says of a queue, in the plainest words.
struct Model {
    kind: Kind,
    maxsize: usize,
    items: Vec<Item>,
    unfinished: usize,
    is_shut_down: bool,
    getters: Vec<Wait>,
    putters: Vec<Wait>,
    joiners: Vec<Wait>,
    woken: Vec<u64>,
}

#[derive(Clone, Copy)]
struct Wait {
    arrival: u64,
    was_called: bool,
}

fn called(line: &[Wait]) -> usize {
    line.iter().filter(|wait| wait.was_called).count()
}

/// Calls the one that came first of those that were not called.
fn call_first(line: &mut [Wait], woken: &mut Vec<u64>) -> bool {
    let Some(wait) = line.iter_mut().find(|wait| !wait.was_called) else { return false };
    wait.was_called = true;
    woken.push(wait.arrival);
    true
}

impl Model {
    fn room(&self) -> usize {
        if self.maxsize == 0 { usize::MAX } else { self.maxsize - self.items.len() }
    }

    fn serve(&mut self) {
        while self.items.len() > called(&self.getters)
            && call_first(&mut self.getters, &mut self.woken)
        {}
        while self.room() > called(&self.putters) && call_first(&mut self.putters, &mut self.woken)
        {
        }
        while self.unfinished == 0 && call_first(&mut self.joiners, &mut self.woken) {}
    }

    fn push(&mut self, item: Item) {
        self.items.push(item);
        self.unfinished += 1;
        self.serve();
    }

    fn pop(&mut self) -> Option<Item> {
        let index = match self.kind {
            Kind::Fifo => 0,
            Kind::Lifo => self.items.len().wrapping_sub(1),
            Kind::Priority => {
                let first = self.items.iter().min_by_key(|item| item.priority)?;
                self.items.iter().position(|item| item.number == first.number)?
            }
        };
        (index < self.items.len()).then(|| self.items.remove(index))
    }

    /// A wait that the polled future has, or a new one.
    fn poll_get(&mut self, arrival: u64) -> Option<Result<u64, ()>> {
        let own = self.getters.iter().position(|wait| wait.arrival == arrival);
        let may = match own {
            None if !self.is_shut_down => self.items.len() > called(&self.getters),
            None => !self.items.is_empty(),
            Some(own) => self.getters[own].was_called && !self.items.is_empty(),
        };
        let is_new_or_called = own.is_none_or(|own| self.getters[own].was_called);
        if may || (is_new_or_called && self.is_shut_down) {
            if let Some(own) = own {
                self.getters.remove(own);
            }
            let item = if may { self.pop() } else { None };
            self.serve();
            return Some(item.map(|item| item.number).ok_or(()));
        }
        stand(&mut self.getters, arrival);
        None
    }

    fn poll_put(&mut self, arrival: u64, item: Item) -> Option<bool> {
        let own = self.putters.iter().position(|wait| wait.arrival == arrival);
        let may = match own {
            None => self.room() > called(&self.putters),
            Some(own) => self.putters[own].was_called && self.room() > 0,
        };
        let is_new_or_called = own.is_none_or(|own| self.putters[own].was_called);
        if is_new_or_called && (may || self.is_shut_down) {
            if let Some(own) = own {
                self.putters.remove(own);
            }
            if !self.is_shut_down {
                self.push(item);
            }
            return Some(!self.is_shut_down);
        }
        stand(&mut self.putters, arrival);
        None
    }

    fn poll_join(&mut self, arrival: u64) -> bool {
        let own = self.joiners.iter().position(|wait| wait.arrival == arrival);
        let is_over = match own {
            None => self.unfinished == 0,
            Some(own) => self.joiners[own].was_called,
        };
        match own {
            Some(own) if is_over => drop(self.joiners.remove(own)),
            None if !is_over => stand(&mut self.joiners, arrival),
            _ => {}
        }
        is_over
    }

    fn leave(&mut self, arrival: u64) {
        for line in [&mut self.getters, &mut self.putters, &mut self.joiners] {
            line.retain(|wait| wait.arrival != arrival);
        }
        self.serve();
    }

    fn shut_down(&mut self, immediate: bool) {
        self.is_shut_down = true;
        if immediate {
            self.unfinished = self.unfinished.saturating_sub(self.items.len());
            self.items.clear();
        }
        while self.unfinished == 0 && call_first(&mut self.joiners, &mut self.woken) {}
        while call_first(&mut self.getters, &mut self.woken) {}
        while call_first(&mut self.putters, &mut self.woken) {}
    }
}

/// The wait stands in the line; one that was called in vain, at its old place.
fn stand(line: &mut Vec<Wait>, arrival: u64) {
    line.retain(|wait| wait.arrival != arrival);
    line.push(Wait { arrival, was_called: false });
    line.sort_by_key(|wait| wait.arrival);
}

enum Future<'a, O: Order<Item>> {
    Get(Get<'a, Item, O>),
    Put(Put<'a, Item, O>, Item),
    Join(Join<'a, Item, O>),
}

struct Pending<'a, O: Order<Item>> {
    arrival: u64,
    future: Future<'a, O>,
    count: Arc<Count>,
    waker: Waker,
    seen: usize,
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 11) % limit as u64) as usize
    }
}

/// Polls a wait on both sides. `true`: it is over.
fn poll_both<O: Order<Item>>(model: &mut Model, wait: &mut Pending<'_, O>) -> bool {
    match &mut wait.future {
        Future::Get(get) => {
            let expected = model.poll_get(wait.arrival);
            match poll(get, &wait.waker) {
                Poll::Ready(Ok(item)) => assert_eq!(expected, Some(Ok(item.number))),
                Poll::Ready(Err(QueueShutDown(()))) => assert_eq!(expected, Some(Err(()))),
                Poll::Pending => assert_eq!(expected, None),
            }
            expected.is_some()
        }
        Future::Put(put, item) => {
            let expected = model.poll_put(wait.arrival, *item);
            match poll(put, &wait.waker) {
                Poll::Ready(result) => assert_eq!(expected, Some(result.is_ok())),
                Poll::Pending => assert_eq!(expected, None),
            }
            expected.is_some()
        }
        Future::Join(join) => {
            let is_over = model.poll_join(wait.arrival);
            assert_eq!(poll(join, &wait.waker).is_ready(), is_over);
            is_over
        }
    }
}

fn run<O: Order<Item>>(queue: &Queue<Item, O>, kind: Kind, seed: u64) {
    let mut random = Random(seed);
    let mut model = Model {
        kind,
        maxsize: queue.maxsize(),
        items: Vec::new(),
        unfinished: 0,
        is_shut_down: false,
        getters: Vec::new(),
        putters: Vec::new(),
        joiners: Vec::new(),
        woken: Vec::new(),
    };
    let mut waits: Vec<Pending<'_, O>> = Vec::new();
    for number in 0..400 {
        let item = Item { priority: random.below(5) as u64, number };
        match random.below(40) {
            0..6 => match queue.put_nowait(item) {
                Ok(()) => model.push(item),
                Err(PutNowaitError::QueueFull(_)) => assert_eq!(model.room(), 0),
                Err(PutNowaitError::QueueShutDown(_)) => assert!(model.is_shut_down),
            },
            6..12 => {
                let expected = model.pop();
                model.serve();
                match queue.get_nowait() {
                    Ok(item) => assert_eq!(Some(item.number), expected.map(|item| item.number)),
                    Err(error) => {
                        assert!(expected.is_none());
                        assert_eq!(error == GetNowaitError::QueueShutDown, model.is_shut_down);
                    }
                }
            }
            12..26 => {
                let (count, waker) = Count::pair();
                let future = match random.below(9) {
                    0..4 => Future::Get(queue.get()),
                    4..8 => Future::Put(queue.put(item), item),
                    _ => Future::Join(queue.join()),
                };
                let mut wait = Pending { arrival: number, future, count, waker, seen: 0 };
                if !poll_both(&mut model, &mut wait) {
                    waits.push(wait);
                }
            }
            26..34 if !waits.is_empty() => {
                let index = random.below(waits.len());
                if poll_both(&mut model, &mut waits[index]) {
                    waits.remove(index);
                }
            }
            34..37 if !waits.is_empty() => {
                let wait = waits.remove(random.below(waits.len()));
                model.leave(wait.arrival);
                // Of those that were woken the model need not remember it.
                model.woken.retain(|arrival| *arrival != wait.arrival);
            }
            37..39 if model.unfinished > 0 => {
                model.unfinished -= 1;
                model.serve();
                queue.task_done();
            }
            39 if number > 300 => {
                let immediate = random.below(2) == 0;
                model.shut_down(immediate);
                queue.shutdown(immediate);
            }
            _ => {}
        }
        let mut woken = std::mem::take(&mut model.woken);
        for wait in &mut waits {
            let now = wait.count.wakes();
            let times = woken.iter().filter(|arrival| **arrival == wait.arrival).count();
            assert_eq!(now - wait.seen, times, "seed {seed}, step {number}: wakes");
            wait.seen = now;
            woken.retain(|arrival| *arrival != wait.arrival);
        }
        let now = queue.statistics();
        assert_eq!((now.qsize, now.unfinished), (model.items.len(), model.unfinished));
        assert_eq!(
            (now.getters, now.putters),
            (model.getters.len(), model.putters.len()),
            "seed {seed}, step {number}"
        );
    }
    drop(waits);
    let end = queue.statistics();
    assert_eq!((end.getters, end.putters, end.joiners), (0, 0, 0));
}

#[test]
fn queues_agree_with_a_plain_model() {
    let mut seeds = Random(0x9e37_79b9_7f4a_7c15);
    let programs = if cfg!(miri) { 3 } else { 300 };
    for _ in 0..programs {
        let (seed, maxsize) = (seeds.below(1 << 40) as u64 + 1, seeds.below(4));
        run(&Queue::new(maxsize), Kind::Fifo, seed);
        run(&LifoQueue::new(maxsize), Kind::Lifo, seed);
        run(&PriorityQueue::new(maxsize), Kind::Priority, seed);
    }
}
