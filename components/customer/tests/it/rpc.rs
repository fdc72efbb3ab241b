//! The typed interface: what callers of `kobliat:customers` send and get.

use customer::{bindings::exports::kobliat::customers::customers::*, store};
use sdk::testing::block_on;

use crate::{NOW, tenant};

sdk::testing::component!(Component, store::MIGRATIONS, NOW);

fn contact(value: &str) -> Contact {
    let identity = Identity { channel_account_id: "acc".into(), kind: "phone".into(), value: value.into() };
    Contact { external_type: "whatsapp".into(), identities: vec![identity], name: Some("Sheena".into()) }
}

#[test]
fn resolves_in_order_and_gets_what_it_resolved() {
    let contacts = vec![contact("1"), contact(""), contact("2")];
    let answers = block_on(Component::resolve_many(tenant("default"), contacts)).unwrap();
    let [Ok(first), Err(Error::Invalid(_)), Ok(second)] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!((first.external_id.as_str(), first.external_type.as_str()), ("1", "whatsapp"));
    assert_eq!((second.external_id.as_str(), second.name.as_deref(), second.created_at), ("2", Some("Sheena"), NOW));
    let ids = vec![second.id.clone(), "unknown".into()];
    let got = block_on(Component::get_many(tenant("default"), ids)).unwrap();
    assert_eq!((got.len(), &got[0].id, got[0].metadata.as_str()), (1, &second.id, "{}"));
    let known =
        block_on(Component::identities_of(tenant("default"), vec![second.id.clone(), first.id.clone()])).unwrap();
    let told: Vec<_> =
        known.iter().map(|one| (&one.customer_id, one.identity.kind.as_str(), one.identity.value.as_str())).collect();
    assert_eq!(told, [(&second.id, "phone", "2"), (&first.id, "phone", "1")]);
    assert!(block_on(Component::identities_of(tenant("other"), vec![second.id.clone()])).unwrap().is_empty());
    let too_many = block_on(Component::get_many(tenant("default"), vec![String::new(); 501]));
    assert!(matches!(too_many, Err(Error::Invalid(_))));
    let found = |text: &str| block_on(Component::find_ids(tenant("default"), text.into(), 500));
    assert_eq!(found("sheena").unwrap(), [second.id.as_str(), first.id.as_str()]);
    assert!(found("* \"").unwrap().is_empty());
    assert!(matches!(found(&"x".repeat(300)), Err(Error::Invalid(_))));
    let identity = Identity { channel_account_id: "acc".into(), kind: "phone".into(), value: "16505551234".into() };
    let also = vec![KnownIdentity { customer_id: first.id.clone(), identity }];
    block_on(Component::add_identities(tenant("default"), also)).unwrap();
    let again = block_on(Component::resolve_many(tenant("default"), vec![contact("16505551234")])).unwrap().remove(0);
    assert_eq!(again.unwrap().id, first.id);
}
