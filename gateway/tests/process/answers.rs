//! The log and the metrics of callbacks that the settings answer.

use crate::support::{Running, gateway, settings};

#[test]
fn a_denial_by_settings_is_logged_and_counted() {
    let text = "[callbacks.beforeAddBlack]\nanswer = 'deny'\ncode = 5123";
    let running = Running::start(gateway().arg("--config").arg(settings("answered", text)));
    assert!(running.call().contains("\"errCode\":5123"));
    let line = running.wait_for("denied: answered by settings");
    assert!(line.contains("INFO") && line.contains("callback_id="), "{line}");
    running.wait_for_metric(
        r#"callback_gateway_callbacks_total{callback="beforeAddBlack",outcome="answered_deny"} 1"#,
    );
}

#[test]
fn an_allow_by_settings_is_counted_and_logged_on_request() {
    let text = "log = 'debug'\n[callbacks.beforeAddBlack]\nanswer = 'allow'";
    let running = Running::start(gateway().arg("--config").arg(settings("allowed", text)));
    assert!(running.call().contains("\"nextCode\":0"));
    let line = running.wait_for("allowed: answered by settings");
    assert!(line.contains("DEBUG"), "{line}");
    running.wait_for_metric(
        r#"callback_gateway_callbacks_total{callback="beforeAddBlack",outcome="answered_allow"} 1"#,
    );
}
