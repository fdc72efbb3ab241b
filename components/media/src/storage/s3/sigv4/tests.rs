//! The published vectors: AWS's test suite for Signature Version 4 and the examples in the S3 documentation. The suite's cases that
//! normalise paths are not here, because S3 takes a path as it is.

use super::*;

/// 2015-08-30T12:36:00Z
const SUITE_TIME: Micros = 1_440_938_160_000_000;
/// 2013-05-24T00:00:00Z
const S3_TIME: Micros = 1_369_353_600_000_000;
const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

/// Name, request, body, signature.
type Vector = (&'static str, &'static str, &'static str, &'static str);

#[rustfmt::skip]
const SUITE: &[Vector] = &[
    ("get-header-key-duplicate", "GET /\nmy-header1:value2\nmy-header1:value2\nmy-header1:value1", "", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"),
    ("get-header-value-order", "GET /\nmy-header1:value4\nmy-header1:value1\nmy-header1:value3\nmy-header1:value2", "", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"),
    ("get-header-value-trim", "GET /\nmy-header1: value1\nmy-header2: \"a   b   c\"", "", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"),
    ("get-unreserved", "GET /-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"),
    ("get-vanilla", "GET /", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("get-vanilla-empty-query-key", "GET /?Param1=value1", "", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"),
    ("get-vanilla-query-order-key", "GET /?Param1=value2&Param1=Value1", "", "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"),
    ("get-vanilla-query-order-key-case", "GET /?Param2=value2&Param1=value1", "", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
    ("get-vanilla-query-order-value", "GET /?Param1=value2&Param1=value1", "", "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"),
    ("get-vanilla-query-unreserved", "GET /?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", "", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"),
    ("get-vanilla-utf8-query", "GET /?%E1%88%B4=bar", "", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"),
    ("post-header-key-case", "POST /", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("post-header-key-sort", "POST /\nmy-header1:value1", "", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"),
    ("post-header-value-case", "POST /\nmy-header1:VALUE1", "", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"),
    ("post-vanilla", "POST /", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ("post-vanilla-empty-query-value", "POST /?Param1=value1", "", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"),
    ("post-x-www-form-urlencoded", "POST /\ncontent-type:application/x-www-form-urlencoded", "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"),
    ("post-x-www-form-urlencoded-parameters", "POST /\ncontent-type:application/x-www-form-urlencoded; charset=utf8", "Param1=value1", "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"),
    ("post-sts-header-before", "POST /", "", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"),
];

const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
#[rustfmt::skip]
const S3: &[Vector] = &[
    ("get-object", "GET /test.txt\nrange:bytes=0-9", "", "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"),
    ("put-object", "PUT /test%24file.text\ndate:Fri, 24 May 2013 00:00:00 GMT\nx-amz-storage-class:REDUCED_REDUNDANCY", "Welcome to Amazon S3.", "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"),
    ("get-bucket-lifecycle", "GET /?lifecycle", "", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
    ("list-objects", "GET /?max-keys=2&prefix=J", "", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
];

fn request(host: &str, text: &str, body: &str) -> Request<String> {
    let mut lines = text.lines();
    let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(format!("https://{host}{path}"));
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        request = request.header(name, value);
    }
    request.body(body.to_owned()).unwrap()
}

fn signature(request: &Request<String>) -> String {
    let proof = request.headers()["authorization"].to_str().unwrap();
    proof.rsplit_once("Signature=").unwrap().1.to_owned()
}

#[test]
fn signs_as_the_test_suite_has_it() {
    for (name, text, body, expected) in SUITE {
        let mut request = request("example.amazonaws.com", text, body);
        let signer = Signer {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            session_token: (*name == "post-sts-header-before").then(|| TOKEN.to_owned()),
            region: "us-east-1".to_owned(),
            service: "service",
        };
        signer.sign(&mut request, &sha256_hex(body.as_bytes()), SUITE_TIME);
        assert_eq!(signature(&request), *expected, "{name}");
    }
}

/// Who the documentation of S3 signs as.
fn documented() -> Signer {
    Signer {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        session_token: None,
        region: "us-east-1".to_owned(),
        service: "s3",
    }
}

#[test]
fn signs_as_the_documentation_of_s3_has_it() {
    for (name, text, body, expected) in S3 {
        let mut request = request("examplebucket.s3.amazonaws.com", text, body);
        let hash = sha256_hex(body.as_bytes());
        request.headers_mut().insert("x-amz-content-sha256", hash.parse().unwrap());
        documented().sign(&mut request, &hash, S3_TIME);
        assert_eq!(signature(&request), *expected, "{name}");
    }
}

#[test]
fn tells_the_whole_proof() {
    let mut request = request("examplebucket.s3.amazonaws.com", "GET /test.txt\nrange:bytes=0-9", "");
    request.headers_mut().insert("x-amz-content-sha256", EMPTY.parse().unwrap());
    documented().sign(&mut request, EMPTY, S3_TIME);
    assert_eq!(
        request.headers()["authorization"],
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
         SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
         Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    );
    assert_eq!(request.headers()["x-amz-date"], "20130524T000000Z");
}
