//! Counts once a second for a minute. Stop Redis meanwhile, start it again, and watch.
//!
//! ```text
//! cargo run -p outlast --example outage -- redis://localhost:6379
//! ```

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use outlast::{Client, Config, ErrorKind, Event, Sink, Value};

/// Prints the client's log lines between the answers. A service uses `TracingSink`.
struct Printer;

impl Sink for Printer {
    fn event(&self, event: Event) {
        if let Event::Log(record) = event {
            println!("        {}", record.message);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "redis://localhost:6379".into());
    let config = Config::builder(&url).profile("production").build()?;
    let client = Client::new(config, Arc::new(Printer));
    client.connect().await?;

    for _ in 0..60 {
        let answer = client.call(&["INCR", "outage:count"]).await;
        let mode = client.status().mode.code();
        match answer {
            Ok(Value::Integer(count)) => println!("{count:>6}  {mode}"),
            Ok(other) => println!("{other:?}  {mode}"),
            // Sent, and no answer came: once more could count twice, so the caller decides.
            Err(error) if error.kind() == ErrorKind::MaybeApplied => println!("     ?  {error}"),
            Err(error) => return Err(error.into()),
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    client.close();
    Ok(())
}
