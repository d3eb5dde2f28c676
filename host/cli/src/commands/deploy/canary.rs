//! How a canary is asked for.

/// Reads a share: `10%`, `0.5%`, or `0.1`.
pub(super) fn share(text: &str) -> Result<f64, String> {
    let read = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse().map(|percent: f64| percent / 100.0),
        None => text.parse(),
    };
    let share = read.ok().filter(|share| *share > 0.0 && *share <= 1.0);
    share.ok_or_else(|| "write a share of the requests, as `10%`".to_owned())
}

/// Reads a header: `X-Canary: yes`.
pub(super) fn header(text: &str) -> Result<String, String> {
    let read = text.split_once(':').map(|(name, value)| (name.trim(), value.trim()));
    let sound = read.filter(|(name, value)| {
        !value.is_empty() && http::HeaderName::try_from(*name).is_ok() && http::HeaderValue::try_from(*value).is_ok()
    });
    let (name, value) = sound.ok_or_else(|| "write a header and its value, as `X-Canary: yes`".to_owned())?;
    Ok(format!("{name}: {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_is_a_share_or_a_header() {
        assert_eq!(["10%", "0.1", "100 %"].map(|text| share(text).unwrap()), [0.1, 0.1, 1.0]);
        for wrong in ["0%", "101%", "2", "-1%", "NaN", "ten", ""] {
            assert!(share(wrong).unwrap_err().contains("10%"), "{wrong}");
        }
        assert_eq!(header("X-Canary:yes").unwrap(), "X-Canary: yes");
        for wrong in ["X-Canary", "X-Canary:", ": yes", "X Canary: yes", "X-Canary: a\nb"] {
            assert!(header(wrong).unwrap_err().contains("X-Canary: yes"), "{wrong}");
        }
    }
}
