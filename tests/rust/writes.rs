//! The writes of an application that is killed, and what they come to.

/// Threads that write, each its own keys.
pub const THREADS: usize = 4;

/// What a thread writes as its write of this number.
pub fn write(thread: usize, number: u64) -> Vec<String> {
    let key = |name: &str| format!("{name}:{thread}");
    let text = number.to_string();
    match number % 6 {
        0 => vec!["INCR".into(), key("counter")],
        1 => vec!["LPUSH".into(), key("list"), text],
        2 => vec!["SET".into(), key("key"), text],
        3 => vec!["MSET".into(), key("left"), text.clone(), key("right"), text],
        4 if number % 12 == 4 => vec!["DEL".into(), key("key")],
        4 => vec!["RPUSH".into(), key("tail"), text],
        _ => vec!["INCRBY".into(), format!("sum:{thread}:{}", number / 6 % 8), "3".into()],
    }
}

/// What Redis holds of a thread's keys, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Held {
    /// `counter`.
    pub counter: u64,
    /// The parts of `sum`.
    pub sums: [u64; 8],
    /// `list`, from its tail.
    pub list: Vec<u64>,
    /// `tail`.
    pub tail: Vec<u64>,
    /// `key`.
    pub key: Option<u64>,
    /// `left` and `right`.
    pub pair: [Option<u64>; 2],
}

impl Held {
    /// Does what [`write`] of this number does.
    pub fn apply(&mut self, number: u64) {
        match number % 6 {
            0 => self.counter += 1,
            1 => self.list.push(number),
            2 => self.key = Some(number),
            3 => self.pair = [Some(number); 2],
            4 if number % 12 == 4 => self.key = None,
            4 => self.tail.push(number),
            _ => {
                let sums = self.sums.len() as u64;
                let place = usize::try_from(number / 6 % sums).unwrap_or_default();
                if let Some(sum) = self.sums.get_mut(place) {
                    *sum += 3;
                }
            }
        }
    }

    /// What a server holds, which `ask` runs a command on.
    ///
    /// # Panics
    ///
    /// Where it holds anything but numbers.
    pub fn of(thread: usize, ask: impl Fn(&[&str]) -> String) -> Self {
        let key = |name: &str| format!("{name}:{thread}");
        let number = |text: &str| text.parse::<u64>().expect("a number");
        let get = |name: &str| Some(ask(&["GET", &key(name)])).filter(|text| !text.is_empty());
        let list = |name: &str| -> Vec<u64> {
            ask(&["LRANGE", &key(name), "0", "-1"])
                .lines()
                .map(|line| number(line.trim()))
                .collect()
        };
        let sum = |place: usize| {
            let text = ask(&["GET", &format!("sum:{thread}:{place}")]);
            if text.is_empty() { 0 } else { number(&text) }
        };
        let mut pushed = list("list");
        pushed.reverse();
        Self {
            counter: get("counter").map_or(0, |text| number(&text)),
            sums: std::array::from_fn(sum),
            list: pushed,
            tail: list("tail"),
            key: get("key").map(|text| number(&text)),
            pair: ["left", "right"].map(|name| get(name).map(|text| number(&text))),
        }
    }
}
