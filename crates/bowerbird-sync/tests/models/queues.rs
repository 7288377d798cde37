//! `Queue`, `LifoQueue` and `PriorityQueue`, with `join`, `task_done` and `shutdown`.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::rc::Rc;

use bowerbird_sync::queue::{GetNowaitError, Order, PutNowaitError};
use bowerbird_sync::{LifoQueue, PriorityQueue, Queue};
use proptest::prelude::*;

use super::harness::{Id, Waits, check};

#[derive(Debug, Clone)]
enum Step {
    Get,
    Put(u8),
    Join,
    Poll(usize, bool),
    Drop(usize),
    GetNowait,
    PutNowait(u8),
    TaskDone,
    Shutdown(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => Just(Step::Get),
        10 => any::<u8>().prop_map(Step::Put),
        4 => Just(Step::Join),
        14 => (any::<usize>(), any::<bool>()).prop_map(|(any, new)| Step::Poll(any, new)),
        6 => any::<usize>().prop_map(Step::Drop),
        5 => Just(Step::GetNowait),
        5 => any::<u8>().prop_map(Step::PutNowait),
        6 => Just(Step::TaskDone),
        1 => any::<bool>().prop_map(Step::Shutdown),
    ]
}

/// Which item comes next.
#[derive(Clone, Copy)]
enum Kind {
    Oldest,
    Newest,
    Smallest,
}

/// Those who wait on one side, in the order of their arrival, and whether each was woken.
#[derive(Default)]
struct Line(BTreeMap<Id, bool>);

impl Line {
    fn called(&self) -> usize {
        self.0.values().filter(|called| **called).count()
    }

    fn call_first(&mut self, woken: &mut Vec<Id>) -> bool {
        let Some((id, called)) = self.0.iter_mut().find(|(_, called)| !**called) else {
            return false;
        };
        *called = true;
        woken.push(*id);
        true
    }
}

struct Model {
    kind: Kind,
    maxsize: usize,
    items: Vec<u8>,
    unfinished: usize,
    is_shut_down: bool,
    getters: Line,
    putters: Line,
    joiners: Line,
    woken: Vec<Id>,
}

impl Model {
    fn new(kind: Kind, maxsize: usize) -> Self {
        let line = Line::default;
        Self {
            kind,
            maxsize,
            items: Vec::new(),
            unfinished: 0,
            is_shut_down: false,
            getters: line(),
            putters: line(),
            joiners: line(),
            woken: Vec::new(),
        }
    }

    fn room(&self) -> usize {
        if self.maxsize == 0 { usize::MAX } else { self.maxsize - self.items.len() }
    }

    /// One that waits is woken for each item, and for each place, that no other was woken for.
    fn serve(&mut self) {
        let (items, room) = (self.items.len(), self.room());
        while items > self.getters.called() && self.getters.call_first(&mut self.woken) {}
        while room > self.putters.called() && self.putters.call_first(&mut self.woken) {}
    }

    fn push(&mut self, item: u8) {
        self.items.push(item);
        self.unfinished += 1;
        self.serve();
    }

    fn pop(&mut self) -> Option<u8> {
        let at = match self.kind {
            Kind::Oldest => 0,
            Kind::Newest => self.items.len().checked_sub(1)?,
            Kind::Smallest => {
                let smallest = self.items.iter().min()?;
                self.items.iter().position(|item| item == smallest)?
            }
        };
        (at < self.items.len()).then(|| self.items.remove(at))
    }

    fn poll_get(&mut self, id: Id) -> Option<Option<u8>> {
        let may = match self.getters.0.get(&id) {
            None if !self.is_shut_down => self.items.len() > self.getters.called(),
            None | Some(true) => !self.items.is_empty(),
            Some(false) => return None,
        };
        if !may && !self.is_shut_down {
            self.getters.0.insert(id, false);
            return None;
        }
        self.getters.0.remove(&id);
        let item = if may { self.pop() } else { None };
        if may {
            self.serve();
        }
        Some(item)
    }

    fn poll_put(&mut self, id: Id, item: u8) -> Option<bool> {
        let may = match self.putters.0.get(&id) {
            None => self.room() > self.putters.called(),
            Some(true) => self.room() > 0,
            Some(false) => return None,
        };
        if !may && !self.is_shut_down {
            self.putters.0.insert(id, false);
            return None;
        }
        self.putters.0.remove(&id);
        if !self.is_shut_down {
            self.push(item);
        }
        Some(!self.is_shut_down)
    }

    fn poll_join(&mut self, id: Id) -> bool {
        let is_over = match self.joiners.0.get(&id) {
            None => self.unfinished == 0,
            Some(called) => *called,
        };
        if is_over {
            self.joiners.0.remove(&id);
        } else {
            self.joiners.0.insert(id, false);
        }
        is_over
    }

    fn finish(&mut self, count: usize) {
        self.unfinished -= count;
        while self.unfinished == 0 && self.joiners.call_first(&mut self.woken) {}
    }

    fn leave(&mut self, id: Id) {
        for line in [&mut self.getters, &mut self.putters, &mut self.joiners] {
            line.0.remove(&id);
        }
        self.serve();
    }

    fn shut_down(&mut self, immediate: bool) {
        self.is_shut_down = true;
        if immediate {
            let rest = self.items.len().min(self.unfinished);
            self.items.clear();
            self.finish(rest);
        }
        while self.getters.call_first(&mut self.woken) {}
        while self.putters.call_first(&mut self.woken) {}
    }
}

/// What a wait ends with.
#[derive(Debug, PartialEq)]
enum End {
    Got(Option<u8>),
    Put(bool),
    Joined,
}

#[derive(Clone, Copy)]
enum Wait {
    Get,
    Put(u8),
    Join,
}

/// `LifoQueue` and `PriorityQueue` lead to a queue of their order.
type AnyQueue<O> = Rc<dyn Deref<Target = Queue<u8, O>>>;

struct World<O: Order<u8> + 'static> {
    queue: AnyQueue<O>,
    waits: Waits<End>,
    kinds: BTreeMap<Id, Wait>,
    model: Model,
}

impl<O: Order<u8> + 'static> World<O> {
    fn add(&mut self, wait: Wait) {
        let queue = Rc::clone(&self.queue);
        let id = self.waits.add(async move {
            match wait {
                Wait::Get => End::Got(queue.get().await.ok()),
                Wait::Put(item) => {
                    let refused = queue.put(item).await.err();
                    assert!(refused.as_ref().is_none_or(|refused| refused.0 == item));
                    End::Put(refused.is_none())
                }
                Wait::Join => {
                    queue.join().await;
                    End::Joined
                }
            }
        });
        self.kinds.insert(id, wait);
        self.poll(id, true);
    }

    fn poll(&mut self, id: Id, new: bool) {
        let expected = match self.kinds[&id] {
            Wait::Get => self.model.poll_get(id).map(End::Got),
            Wait::Put(item) => self.model.poll_put(id, item).map(End::Put),
            Wait::Join => self.model.poll_join(id).then_some(End::Joined),
        };
        assert_eq!(self.waits.poll(id, new), expected);
    }

    fn get_nowait(&mut self) {
        let expected = self.model.pop();
        match self.queue.get_nowait() {
            Ok(item) => {
                assert_eq!(Some(item), expected);
                self.model.serve();
            }
            Err(error) => {
                assert_eq!(expected, None);
                assert_eq!(error == GetNowaitError::QueueShutDown, self.model.is_shut_down);
            }
        }
    }

    fn put_nowait(&mut self, item: u8) {
        match self.queue.put_nowait(item) {
            Ok(()) => {
                assert!(self.model.room() > 0 && !self.model.is_shut_down);
                self.model.push(item);
            }
            Err(PutNowaitError::QueueFull(back)) => {
                assert_eq!((back, self.model.room()), (item, 0));
            }
            Err(PutNowaitError::QueueShutDown(back)) => {
                assert!(back == item && self.model.is_shut_down);
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Get => self.add(Wait::Get),
            Step::Put(item) => self.add(Wait::Put(item)),
            Step::Join => self.add(Wait::Join),
            Step::Poll(any, new) => {
                self.waits.pick(any).into_iter().for_each(|id| self.poll(id, new))
            }
            Step::Drop(any) => {
                if let Some(id) = self.waits.pick(any) {
                    self.waits.drop(id);
                    self.model.leave(id);
                }
            }
            Step::GetNowait => self.get_nowait(),
            Step::PutNowait(item) => self.put_nowait(item),
            Step::TaskDone if self.model.unfinished > 0 => {
                self.queue.task_done();
                self.model.finish(1);
            }
            Step::TaskDone => {}
            Step::Shutdown(immediate) => {
                self.queue.shutdown(immediate);
                self.model.shut_down(immediate);
            }
        }
        assert_eq!(self.waits.woken(), std::mem::take(&mut self.model.woken));
        let (now, model) = (self.queue.statistics(), &self.model);
        assert_eq!((now.qsize, now.unfinished), (model.items.len(), model.unfinished));
        assert_eq!((now.getters, now.putters), (model.getters.0.len(), model.putters.0.len()));
        assert_eq!(now.is_shut_down, model.is_shut_down);
        let joiners = model.joiners.0.values().filter(|called| !**called).count();
        assert_eq!(now.joiners, joiners);
    }
}

fn check_all<O: Order<u8> + 'static>(kind: Kind, new: impl Fn(usize) -> AnyQueue<O>) {
    for maxsize in 0..4 {
        check(step(), |steps| {
            let queue = new(maxsize);
            let (waits, model) = (Waits::new(), Model::new(kind, maxsize));
            let mut world = World { queue, waits, kinds: BTreeMap::new(), model };
            steps.into_iter().for_each(|step| world.step(step));
            drop(world.waits);
            let end = world.queue.statistics();
            assert_eq!((end.getters, end.putters, end.joiners), (0, 0, 0));
        });
    }
}

#[test]
fn queue_agrees_with_its_model() {
    check_all(Kind::Oldest, |maxsize| Rc::new(Box::new(Queue::new(maxsize))));
}

#[test]
fn lifo_queue_agrees_with_its_model() {
    check_all(Kind::Newest, |maxsize| Rc::new(LifoQueue::new(maxsize)));
}

#[test]
fn priority_queue_agrees_with_its_model() {
    check_all(Kind::Smallest, |maxsize| Rc::new(PriorityQueue::new(maxsize)));
}
