//! Cursors and limits: opaque, and safe to be played with.

use sdk::{
    pagination::{Keyset, Page, PageRequest, list, open, seal},
    query::Query,
    testing::json,
};

#[test]
fn opens_only_what_it_sealed_for_this_list() {
    let cursor = seal("customers/default", "17:abc");
    assert_eq!(open("customers/default", &cursor).as_deref(), Some("17:abc"));
    assert_eq!(open("customers/other", &cursor), None);
    for wrong in ["", "a", "****", "AAAAAAAAAAAAAAAA", "💥", &cursor[1..]] {
        assert_eq!(open("customers/default", wrong), None, "{wrong}");
    }
}

#[test]
fn notices_every_changed_character() {
    let cursor = Keyset { at: 17, id: "abc".into() }.seal("l");
    for i in 0..cursor.len() {
        let mut changed = cursor.clone().into_bytes();
        changed[i] = if changed[i] == b'A' { b'B' } else { b'A' };
        assert_eq!(Keyset::open("l", Some(&String::from_utf8(changed).unwrap())), None);
    }
}

#[test]
fn refuses_limits_out_of_range_and_unknown_parameters() {
    for raw in ["limit=0", "limit=101", "limit=-1", "limit=ten", "limit=99999999999", "limit=1.5"] {
        let query = Query::parse(raw).unwrap();
        assert_eq!(PageRequest::from_query(&query, 20).unwrap_err().status, 422, "{raw}");
    }
    let query = Query::parse("statsu=open").unwrap();
    assert_eq!(query.allow(&["status"]).unwrap_err().errors[0].pointer, "?statsu");
    assert_eq!(Query::parse("a=%ff").unwrap_err().status, 400);
}

#[test]
fn says_where_the_next_page_is_relative_to_the_list() {
    let page = Page::cut(vec![3, 2, 1], 2, |last| format!("c{last}"));
    let query = Query::parse("status=a+b&limit=2&cursor=old").unwrap();
    let response = list(&page, 2, &query, Some(3)).unwrap();
    assert_eq!(response.headers()["link"], "<?status=a%20b&limit=2&cursor=c2>; rel=\"next\"");
    let envelope = serde_json::json!({
        "data": [3, 2],
        "meta": { "limit": 2, "next_cursor": "c2", "has_more": true, "total": 3 },
    });
    assert_eq!(json(&response), envelope);
    let last = list(&Page::cut(vec![1], 2, |_| String::new()), 2, &query, None).unwrap();
    assert_eq!(json(&last)["meta"]["has_more"], false);
    assert!(!last.headers().contains_key("link"));
}
