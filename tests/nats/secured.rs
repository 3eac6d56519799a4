//! Credentials, TLS, and servers that are not as the settings say.

use std::fs;
use std::time::{Duration, Instant, UNIX_EPOCH};

use async_nats::jetstream;
use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::stream::Config;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use callback_gateway::gateway;
use callback_gateway::settings::Settings;
use harness::{Authority, Decider, Gateway, Nats, PATIENCE};
use nkeys::KeyPair;
use serde_json::{Value, json};
use tempfile::{NamedTempFile, TempDir};
use tokio::runtime::Builder;

use crate::support::{counted, settings, tell, wait_until, wait_until_it_keeps};

const STORE: &str = "[events]\nstore = 'nats'\n";

#[test]
fn servers_may_ask_for_tls_with_a_certificate_of_the_client() {
    let (authority, directory) = (Authority::new(), TempDir::new().expect("a directory"));
    let path = |name: &str| directory.path().join(name);
    fs::write(path("ca.pem"), authority.pem()).expect("written");
    authority.issue(&path("server.pem"), &path("server.key"));
    authority.issue(&path("client.pem"), &path("client.key"));
    let at = directory.path().display();
    let tls = format!(
        "tls {{ cert_file: '{at}/server.pem', key_file: '{at}/server.key', ca_file: '{at}/ca.pem', verify: true }}"
    );
    let Some(server) = Nats::start(&tls) else { return };
    let decider = Decider::allowing();
    let files =
        format!("ca = '{at}/ca.pem'\ncertificate = '{at}/client.pem'\nkey = '{at}/client.key'");
    let gateway = Gateway::start(&decider.url(), &settings(STORE, [&server], &files));
    tell(&mut gateway.connect(), "g1", "1");
    gateway.wait_for_metric(&counted("delivered"), 1.0);
}

/// An operator's account with a user, who may do what the docs say and no more.
struct Account {
    account: KeyPair,
    user: KeyPair,
    /// The configuration of a server that knows it.
    resolver: String,
}

impl Account {
    fn new() -> Self {
        let (operator, system) = (KeyPair::new_operator(), KeyPair::new_account());
        let (account, user) = (KeyPair::new_account(), KeyPair::new_user());
        let limits = json!({
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true,
            "conn": -1, "leaf": -1, "mem_storage": -1, "disk_storage": -1, "streams": -1,
            "consumer": -1,
        });
        let operator_jwt =
            jwt(&operator, &operator, &json!({ "type": "operator", "version": 2 }), 0);
        let account_claims = json!({ "type": "account", "version": 2, "limits": limits });
        let account_jwt = jwt(&account, &operator, &account_claims, 0);
        let system_claims =
            json!({ "type": "account", "version": 2, "limits": { "conn": -1, "subs": -1 } });
        let system_jwt = jwt(&system, &operator, &system_claims, 0);
        let (name, system) = (account.public_key(), system.public_key());
        let resolver = format!(
            "operator: {operator_jwt}\nsystem_account: {system}\nresolver: MEMORY\n\
             resolver_preload: {{ {name}: {account_jwt}, {system}: {system_jwt} }}"
        );
        Self { account, user, resolver }
    }

    /// The user's credentials, which expire at a time in seconds since 1970; 0 is never.
    fn credentials(&self, expire: u64) -> String {
        let claims = json!({
            "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1,
            "pub": { "allow": ["openim.>", "$JS.API.>", "$JS.ACK.>"] },
            "sub": { "allow": ["_INBOX.>"] },
        });
        let jwt = jwt(&self.user, &self.account, &claims, expire);
        let seed = self.user.seed().expect("a seed");
        format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    }
}

#[test]
fn servers_may_ask_for_credentials_and_allow_no_more_than_the_docs_say() {
    let (account, file) = (Account::new(), NamedTempFile::new().expect("a file"));
    fs::write(&file, account.credentials(0)).expect("written");
    let Some(server) = Nats::start(&account.resolver) else { return };
    let decider = Decider::allowing();
    let named = format!("credentials_file = '{}'", file.path().display());
    let gateway = Gateway::start(&decider.url(), &settings(STORE, [&server], &named));
    tell(&mut gateway.connect(), "g1", "1");
    gateway.wait_for_metric(&counted("delivered"), 1.0);
}

#[test]
fn credentials_that_expire_are_read_anew_at_once() {
    let (account, file) = (Account::new(), NamedTempFile::new().expect("a file"));
    let now = UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    fs::write(&file, account.credentials(now + 3)).expect("written");
    let Some(server) = Nats::start(&account.resolver) else { return };
    let decider = Decider::allowing();
    let named = format!("credentials_file = '{}'", file.path().display());
    let gateway = Gateway::start(&decider.url(), &settings(STORE, [&server], &named));
    wait_until_it_keeps(&gateway);
    fs::write(&file, account.credentials(0)).expect("written");
    wait_until("they expire", PATIENCE, || server.log().contains("authentication error"));
    let began = Instant::now();
    wait_until_it_keeps(&gateway);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

/// A token of NATS: claims about a key, signed by another.
fn jwt(of: &KeyPair, issuer: &KeyPair, nats: &Value, expire: u64) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = encode(&json!({ "typ": "JWT", "alg": "ed25519-nkey" }));
    let claims = json!({
        "jti": "1", "iat": 1_700_000_000, "iss": issuer.public_key(), "name": "test",
        "sub": of.public_key(), "nats": nats, "exp": expire,
    });
    let signed = format!("{head}.{}", encode(&claims));
    let signature = issuer.sign(signed.as_bytes()).expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[test]
fn a_stream_with_another_number_of_partitions_is_refused_at_the_start() {
    let Some(server) = Nats::start("") else { return };
    let decider = Decider::allowing();
    let _first = Gateway::start(&decider.url(), &settings(STORE, [&server], "partitions = 8"));
    let text = settings(STORE, [&server], "partitions = 16");
    let mistakes = mistakes(&text);
    assert!(mistakes.contains("was made with 8"), "{mistakes}");
}

fn mistakes(settings: &str) -> String {
    let gateway = gateway::Gateway::new(Settings::from_toml(settings).expect("settings"));
    format!("{:?}", gateway.expect_err("a mistake"))
}

#[test]
fn a_stream_or_consumer_that_somebody_has_changed_so_that_events_are_lost_is_refused() {
    let Some(server) = Nats::start("") else { return };
    let decider = Decider::allowing();
    let text = settings(STORE, [&server], "partitions = 2");
    let gateway = Gateway::start(&decider.url(), &text);
    for n in 0..20 {
        tell(&mut gateway.connect(), &n.to_string(), "");
    }
    // Of both partitions, so that it has made both consumers.
    gateway.wait_for_metric(&counted("delivered"), 20.0);
    gateway.stop();
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let change = async |max_age: u64, max_ack_pending: i64| {
        let client = async_nats::connect(server.url()).await.expect("a connection");
        let context = jetstream::new(client);
        let stream = context.get_stream("OPENIM_EVENTS").await.expect("the gateway's stream");
        let max_age = Duration::from_secs(max_age);
        let config = Config { max_age, ..stream.cached_info().config.clone() };
        context.update_stream(config).await.expect("a change of the stream");
        let consumer: Consumer<pull::Config> =
            stream.get_consumer("partition-1").await.expect("the gateway's consumer");
        let found = &consumer.cached_info().config;
        let config = pull::Config {
            durable_name: found.durable_name.clone(),
            filter_subject: found.filter_subject.clone(),
            ack_wait: found.ack_wait,
            max_ack_pending,
            ..pull::Config::default()
        };
        stream.update_consumer(config).await.expect("a change of the consumer");
    };
    runtime.block_on(change(3600, 1));
    assert!(mistakes(&text).contains("max_age is 3600s, and must be 0ns"), "{}", mistakes(&text));
    runtime.block_on(change(0, 5));
    assert!(mistakes(&text).contains("max_ack_pending is 5"), "{}", mistakes(&text));
    runtime.block_on(change(0, 1));
    let gateway = Gateway::start(&decider.url(), &text);
    tell(&mut gateway.connect(), "g1", "1");
    gateway.wait_for_metric(&counted("delivered"), 1.0);
}
