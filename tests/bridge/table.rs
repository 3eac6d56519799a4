//! Every callback, by the cases of its file: OpenIM's request, the decider's call and response, and the reply to
//! OpenIM.

mod cases;
mod complete;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use harness::{Asked, Decider, Gateway, Says};

use self::cases::{Case, table};

#[test]
fn every_case_gets_its_reply() {
    let bridge = Bridge::start();
    let failures: Vec<_> = table()
        .iter()
        .flat_map(|file| file.cases.iter().map(move |case| (file, case)))
        .filter_map(|(file, case)| {
            let why = bridge.run(case).err()?;
            Some(format!("{}.json, \"{}\":\n{why}", file.command, case.name))
        })
        .collect();
    assert!(failures.is_empty(), "{} cases fail\n\n{}", failures.len(), failures.join("\n\n"));
}

/// The real gateway between OpenIM and a decider that answers as the case at hand says.
struct Bridge {
    script: Arc<Mutex<Script>>,
    gateway: Gateway,
    _decider: Decider,
}

struct Script {
    says: Says,
    asked: Vec<Asked>,
}

impl Bridge {
    fn start() -> Self {
        let script = Arc::new(Mutex::new(Script { says: Says::Nothing, asked: Vec::new() }));
        let read = script.clone();
        let decider = Decider::start(move |asked: &Asked| {
            let mut script = lock(&read);
            script.asked.push(asked.clone());
            script.says.clone()
        });
        let gateway = Gateway::start(&decider.url(), "");
        Self { script, gateway, _decider: decider }
    }

    fn run(&self, case: &Case) -> Result<(), String> {
        *lock(&self.script) = Script { says: case.says(), asked: Vec::new() };
        let reply = self.gateway.send(&case.request());
        match &lock(&self.script).asked[..] {
            [asked] => case.check(asked, &reply),
            asked => Err(format!(
                "the decider was asked {} times; the reply is {}",
                asked.len(),
                reply.body
            )),
        }
    }
}

fn lock(script: &Mutex<Script>) -> MutexGuard<'_, Script> {
    script.lock().unwrap_or_else(PoisonError::into_inner)
}
