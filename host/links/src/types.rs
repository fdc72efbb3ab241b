//! Interface types as people write them, and which of them may cross a link.

use wasmtime::component::Type;

/// Says what keeps a type from crossing a link: a link copies plain data between stores, and handles stay behind.
pub fn obstacle(ty: &Type) -> Option<&'static str> {
    match ty {
        Type::Own(_) | Type::Borrow(_) => Some("a resource"),
        Type::Future(_) => Some("a future"),
        Type::Stream(_) => Some("a stream"),
        Type::ErrorContext => Some("an error-context"),
        Type::List(list) => obstacle(&list.ty()),
        Type::FixedLengthList(list) => obstacle(&list.ty()),
        Type::Option(option) => obstacle(&option.ty()),
        Type::Map(map) => obstacle(&map.key()).or_else(|| obstacle(&map.value())),
        Type::Tuple(tuple) => tuple.types().find_map(|ty| obstacle(&ty)),
        Type::Record(record) => record.fields().find_map(|field| obstacle(&field.ty)),
        Type::Variant(variant) => variant.cases().find_map(|case| case.ty.as_ref().and_then(obstacle)),
        Type::Result(result) => {
            let ok = result.ok().as_ref().and_then(obstacle);
            ok.or_else(|| result.err().as_ref().and_then(obstacle))
        }
        _ => None,
    }
}

/// The type in WIT's notation.
pub fn show(ty: &Type) -> String {
    match ty {
        Type::List(list) => format!("list<{}>", show(&list.ty())),
        Type::Option(option) => format!("option<{}>", show(&option.ty())),
        Type::Tuple(tuple) => format!("tuple<{}>", join(tuple.types().map(|ty| show(&ty)))),
        Type::Record(record) => {
            format!(
                "record {{ {} }}",
                join(record.fields().map(|field| format!("{}: {}", field.name, show(&field.ty))))
            )
        }
        Type::Variant(variant) => {
            format!("variant {{ {} }}", join(variant.cases().map(|case| case_of(case.name, &case.ty))))
        }
        Type::Enum(cases) => format!("enum {{ {} }}", join(cases.names().map(String::from))),
        Type::Flags(flags) => format!("flags {{ {} }}", join(flags.names().map(String::from))),
        Type::Result(result) => format!("result<{}, {}>", or_none(result.ok()), or_none(result.err())),
        primitive => format!("{primitive:?}").to_lowercase(),
    }
}

fn case_of(name: &str, ty: &Option<Type>) -> String {
    ty.as_ref().map_or_else(|| name.to_string(), |ty| format!("{name}({})", show(ty)))
}

fn or_none(ty: Option<Type>) -> String {
    ty.map_or_else(|| "_".to_string(), |ty| show(&ty))
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
