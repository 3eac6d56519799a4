//! The content type of an answer, by its grammar (RFC 9110, section 8.3.1).

/// True for gRPC with messages in protobuf: `application/grpc` or `application/grpc+proto`, with any parameters.
pub(crate) fn is_grpc(content_type: &[u8]) -> bool {
    let end = content_type.iter().position(|&b| matches!(b, b';' | b' ' | b'\t'));
    let (media_type, parameters) = content_type.split_at(end.unwrap_or(content_type.len()));
    let known: [&[u8]; 2] = [b"application/grpc", b"application/grpc+proto"];
    known.iter().any(|known| media_type.eq_ignore_ascii_case(known)) && are_parameters(parameters)
}

fn are_parameters(mut text: &[u8]) -> bool {
    loop {
        text = text.trim_ascii_start();
        if text.is_empty() {
            return true;
        }
        let Some(parameter) = text.strip_prefix(b";") else { return false };
        text = parameter.trim_ascii_start();
        // A parameter may be empty.
        if !text.is_empty() && !text.starts_with(b";") {
            let rest = after_token(text).and_then(|text| text.strip_prefix(b"="));
            let Some(rest) = rest.and_then(|value| after_quoted(value).or(after_token(value)))
            else {
                return false;
            };
            text = rest;
        }
    }
}

/// The rest of a text that begins with a token.
fn after_token(text: &[u8]) -> Option<&[u8]> {
    let is_char = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
    let length = text.iter().position(|b| !is_char(b)).unwrap_or(text.len());
    (length > 0).then(|| &text[length..])
}

/// The rest of a text that begins with a quoted string.
fn after_quoted(text: &[u8]) -> Option<&[u8]> {
    let mut text = text.strip_prefix(b"\"")?;
    loop {
        text = match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', _, rest @ ..] | [_, rest @ ..] => rest,
            [] => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_type_is_read_by_its_grammar() {
        for grpc in [
            "application/grpc",
            "application/grpc+proto",
            "Application/gRPC",
            "application/grpc;charset=utf-8",
            "application/grpc ; a=b; c=\"d;\\\"e\" ;",
        ] {
            assert!(is_grpc(grpc.as_bytes()), "{grpc}");
        }
        for other in [
            "",
            "application/grpcX",
            "application/grpc+json",
            "application/grpc+protobuf",
            "application/grpc-web",
            "application/grpc, application/grpc",
            "application/grpc x",
            "application/grpc;x",
            "application/grpc;=x",
            "application/grpc;a=",
            "application/grpc;a=\"b",
            "application/grpc;a=b c",
            " application/grpc",
            "text/html",
        ] {
            assert!(!is_grpc(other.as_bytes()), "{other}");
        }
    }
}
