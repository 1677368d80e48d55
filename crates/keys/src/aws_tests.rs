//! Addresses and credentials of AWS.

use super::*;

#[test]
fn reads_arns() {
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    let text = format!("arn:aws:kms:eu-central-1:111122223333:key/{id}");
    let key: AwsKeyUri = text.parse().unwrap();
    assert_eq!(key.version(), Some(id));
    assert_eq!(key.to_string(), text);
    let text = "arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/team/data_key";
    let alias: AwsKeyUri = text.parse().unwrap();
    assert_eq!((alias.version(), alias.name()), (None, "team/data_key"));
    assert_eq!(alias.to_string(), text);
    for bad in [
        "arn:aws:kms:eu-central-1:111122223333:key/",
        "arn:aws:kms:eu-central-1:111122223333:key/a/b",
        "arn:aws:kms:eu-central-1:1111:key/a",
        "arn:aws:s3:eu-central-1:111122223333:key/a",
        "arn:aws:kms::111122223333:key/a",
        "arn:aws:kms:eu-central-1:111122223333:grant/a",
        "arn:aws:kms:eu/central:111122223333:key/a",
    ] {
        assert!(bad.parse::<AwsKeyUri>().is_err(), "{bad}");
    }
}

#[test]
fn reads_one_profile() {
    let file = "# mine\n[default]\naws_access_key_id = A\naws_secret_access_key=B==\n\
                [other]\naws_access_key_id=C\naws_secret_access_key=D\naws_session_token=E\n";
    let first = credentials(file, "default").unwrap();
    assert_eq!((first.access_key_id(), first.secret_access_key()), ("A", "B=="));
    assert_eq!(first.session_token(), None);
    assert_eq!(credentials(file, "other").unwrap().session_token(), Some("E"));
    assert!(credentials(file, "none").is_err());
    assert!(credentials("[default]\naws_access_key_id=A\n", "default").is_err());
}
