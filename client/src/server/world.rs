//! What all connections share: the store, their sessions, and who waits for what.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outlast_core::resp::encode_reply;
use outlast_core::store::{Answer, Block, Options, Session};
use outlast_core::{Rules, Timestamp};
use tokio::sync::Notify;

use super::options::ServerOptions;
use super::waiting::Waiting;
use crate::host::Clock;
use crate::store::{SharedStore, new_store};

/// The store and its sessions, behind one lock: as in Redis, one command runs at a time.
#[derive(Debug)]
pub(super) struct World {
    pub(super) options: ServerOptions,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    store: SharedStore,
    peers: HashMap<u64, Peer>,
    waiting: Waiting,
    output_bytes_max: usize,
}

/// One connection's session, and what others left for it.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) session: Session,
    /// Encoded messages and replies that its connection has not taken yet.
    inbox: Vec<u8>,
    /// What it waits for.
    pub(super) blocked: Option<Box<Block>>,
    /// It read too slowly: the connection has to end.
    pub(super) is_over: bool,
    /// Tells the connection of all that.
    news: Arc<Notify>,
}

impl World {
    pub(super) fn new(options: ServerOptions) -> Self {
        let store = Options::new(options.bytes_max).with_eviction(options.eviction);
        let state = State {
            store: new_store(store, Rules::NONE),
            peers: HashMap::new(),
            waiting: Waiting::default(),
            output_bytes_max: options.output_bytes_max,
        };
        Self { options, clock: Clock::new(), state: Mutex::new(state) }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session for a new connection; none where there are as many as may be.
    pub(super) fn open(&self, addresses: (String, String), news: Arc<Notify>) -> Option<u64> {
        let mut state = self.lock();
        if state.peers.len() >= self.options.clients_max {
            return None;
        }
        let session = state.store.open(self.now()).blocking().between(addresses.0, addresses.1);
        let session = match &self.options.password {
            Some(password) => session.requiring(password.clone()),
            None => session,
        };
        let id = session.id();
        let peer = Peer { session, inbox: Vec::new(), blocked: None, is_over: false, news };
        state.peers.insert(id, peer);
        Some(id)
    }

    /// Ends a session, its wait and its subscriptions.
    pub(super) fn close(&self, id: u64) {
        let mut state = self.lock();
        state.unblock(id);
        if let Some(mut peer) = state.peers.remove(&id) {
            state.store.close(&mut peer.session);
        }
    }

    pub(super) fn housekeep(&self, rounds_max: usize) {
        let now = self.now();
        let mut state = self.lock();
        for _ in 0..rounds_max {
            if !state.store.housekeep(now) {
                break;
            }
        }
        state.settle(now);
    }
}

impl State {
    pub(super) fn peer(&self, id: u64) -> Option<&Peer> {
        self.peers.get(&id)
    }

    /// Takes what others left for a connection.
    pub(super) fn take_inbox(&mut self, id: u64, out: &mut Vec<u8>) {
        if let Some(peer) = self.peers.get_mut(&id) {
            if out.is_empty() {
                *out = core::mem::take(&mut peer.inbox);
            } else {
                out.append(&mut peer.inbox);
            }
        }
    }

    /// Answers one request into `out`, unless it has to wait.
    pub(super) fn serve(&mut self, now: Timestamp, id: u64, args: &[Vec<u8>], out: &mut Vec<u8>) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let answer = self.store.serve(now, &mut peer.session, args);
        let protocol = peer.session.protocol();
        let replies = match answer {
            Answer::Replies(replies) => replies,
            Answer::Refused(refusal) => vec![refusal.reply(args)],
            Answer::Blocked(block) => {
                self.block(id, block);
                Vec::new()
            }
            _ => Vec::new(),
        };
        // As in Redis, a message to the publisher itself comes before its reply.
        self.hand_out();
        self.take_inbox(id, out);
        for reply in &replies {
            encode_reply(reply, protocol, out);
        }
        self.settle(now);
    }

    /// Ends the wait of a session whose time is up.
    pub(super) fn time_out(&mut self, now: Timestamp, id: u64, out: &mut Vec<u8>) {
        let until = self.peers.get(&id).and_then(|peer| peer.blocked.as_ref()?.until);
        if until.is_none_or(|until| until > now) {
            return;
        }
        let block = self.unblock(id);
        if let (Some(block), Some(peer)) = (block, self.peers.get(&id))
            && !peer.session.is_silent()
        {
            encode_reply(&block.at_timeout, peer.session.protocol(), out);
        }
    }

    fn block(&mut self, id: u64, block: Box<Block>) {
        self.waiting.add(id, &block.keys);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.blocked = Some(block);
        }
        self.store.set_waiting(self.waiting.sessions());
    }

    fn unblock(&mut self, id: u64) -> Option<Box<Block>> {
        let block = self.peers.get_mut(&id)?.blocked.take()?;
        self.waiting.remove(id, &block.keys);
        self.store.set_waiting(self.waiting.sessions());
        Some(block)
    }

    /// Puts messages into the inboxes of those that listen.
    fn hand_out(&mut self) {
        for (id, message) in self.store.take_deliveries() {
            let Some(peer) = self.peers.get_mut(&id).filter(|peer| !peer.is_over) else {
                continue;
            };
            encode_reply(&message, peer.session.protocol(), &mut peer.inbox);
            if peer.inbox.len() > self.output_bytes_max {
                peer.inbox = Vec::new();
                peer.is_over = true;
            }
            peer.news.notify_one();
        }
    }

    /// Runs the commands that wait for what has changed, who came first first, until nobody can go
    /// on. Each round ends a wait, so there is an end.
    fn settle(&mut self, now: Timestamp) {
        while self.waiting.sessions() > 0 {
            let ready = self.store.take_ready();
            if ready.is_empty() {
                return;
            }
            for key in ready {
                let mut is_empty = false;
                for id in self.waiting.of(&key) {
                    let is_pop = self.waits_to_pop(id);
                    if !(is_empty && is_pop) {
                        is_empty |= !self.retry(now, id) && is_pop;
                    }
                }
            }
        }
    }

    /// Whether a session waits to take an element away: if one cannot, no other can.
    fn waits_to_pop(&self, id: u64) -> bool {
        let block = self.peers.get(&id).and_then(|peer| peer.blocked.as_ref());
        let name = block.and_then(|block| block.retry.first()?.first());
        name.is_some_and(|first| first.eq_ignore_ascii_case(&b'B'))
    }

    /// Runs what a session waits to run; whether its wait is over.
    fn retry(&mut self, now: Timestamp, id: u64) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else {
            return true;
        };
        let Some(block) = &peer.blocked else {
            return true;
        };
        let replies = match self.store.serve(now, &mut peer.session, &block.retry) {
            Answer::Replies(replies) => replies,
            Answer::Refused(refusal) => vec![refusal.reply(&block.retry)],
            Answer::Blocked(_) => return false,
            _ => Vec::new(),
        };
        // Redis leaves who waits for a list waiting while the key is of another type.
        let is_of_another_type = |error: &str| error.starts_with("WRONGTYPE");
        let is_pop =
            block.retry.first().is_some_and(|name| name.to_ascii_uppercase()[..1] == *b"B");
        if is_pop && replies.iter().any(|reply| reply.as_error().is_some_and(is_of_another_type)) {
            return false;
        }
        for reply in &replies {
            encode_reply(reply, peer.session.protocol(), &mut peer.inbox);
        }
        peer.news.notify_one();
        self.unblock(id);
        self.hand_out();
        true
    }
}
