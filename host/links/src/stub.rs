//! The caller's side of a link: host functions that stand in for the imported interface.

use crate::check::LinkPlan;
use kobliat_engine::{CallContext, Probing, State, Target, current_context};
use kobliat_telemetry::{Span, SpanKind, TraceContext};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;
use wasmtime::AsContextMut;
use wasmtime::component::{Linker, Val};

/// Defines every function of the plan's interface. `positions` are those of the plan's functions among those
/// of the target's pools, the same in each of its versions.
pub fn add_to_linker(
    linker: &mut Linker<State>,
    plan: &LinkPlan,
    target: &Arc<Target>,
    positions: &[usize],
) -> wasmtime::Result<()> {
    let mut instance = linker.instance(&plan.interface)?;
    for (function, &position) in plan.functions.iter().zip(positions) {
        let link = Arc::new(Link {
            name: format!("{}#{}", plan.interface, function.name),
            target: Arc::clone(target),
            position,
            deadline_field: function.deadline_field,
            trace_field: function.trace_field,
        });
        instance.func_new_concurrent(&function.name, move |accessor, _type, params, results| {
            let link = Arc::clone(&link);
            Box::pin(async move {
                let (caller, probing, held) = accessor.with(|mut access| {
                    let state = access.data_mut();
                    let (probing, held) = (state.get::<Probing>().is_some(), state.allowance().take(weight(params)));
                    (current_context(access.as_context_mut()), probing, held)
                });
                let answer = match held {
                    // What it would do to the callee's data, nobody here knows.
                    _ if probing => Some(unavailable("a new version that is probed calls nobody")),
                    Ok(_held) => link.call(caller, params.to_vec()).await,
                    Err(exhausted) => Some(unavailable(&exhausted.to_string())),
                };
                if let (Some(slot), Some(answer)) = (results.first_mut(), answer) {
                    *slot = answer;
                }
                Ok(())
            })
        })?;
    }
    Ok(())
}

/// What the parameters of a call weigh while it waits and runs.
fn weight(values: &[Val]) -> usize {
    let inner = |value: &Option<Box<Val>>| value.as_deref().map_or(0, |value| weight(std::slice::from_ref(value)));
    let one = |value: &Val| match value {
        Val::String(text) => text.len(),
        Val::List(values) | Val::Tuple(values) => weight(values),
        Val::Record(fields) => {
            fields.iter().map(|(name, value)| name.len() + weight(std::slice::from_ref(value))).sum()
        }
        Val::Variant(name, value) => name.len() + inner(value),
        Val::Option(value) => inner(value),
        Val::Result(Ok(value) | Err(value)) => inner(value),
        Val::Enum(name) => name.len(),
        Val::Flags(names) => names.iter().map(|name| size_of::<String>() + name.len()).sum(),
        _ => 0,
    };
    values.iter().map(|value| size_of::<Val>() + one(value)).sum()
}

/// One linked function.
struct Link {
    name: String,
    target: Arc<Target>,
    position: usize,
    deadline_field: Option<usize>,
    trace_field: Option<usize>,
}

impl Link {
    /// Never an error: that would end the caller's whole store. What goes wrong becomes the WIT error `unavailable`.
    async fn call(&self, caller: CallContext, mut params: Vec<Val>) -> Option<Val> {
        let called = match self.target.nested_context(&caller) {
            Ok(context) => {
                let mut context = self.apply_deadline(context, &mut params);
                let mut span = self.apply_trace(&mut context, &mut params);
                let called = self.target.call(context, self.position, params).await;
                if let Err(error) = &called {
                    span.fail(error);
                }
                called
            }
            Err(error) => Err(error),
        };
        match called {
            Ok(results) => results.into_iter().next(),
            Err(error) => {
                warn!(component = %self.target.component(), request_id = %caller.request_id,
                    "a call of `{}` failed: component `{}` {error}", self.name, self.target.component());
                Some(unavailable(&format!("component `{}` {error}", self.target.component())))
            }
        }
    }

    /// The call's span, of which the callee is told. A caller that says nothing of its trace continues the one of its own
    /// request.
    fn apply_trace(&self, context: &mut CallContext, params: &mut [Val]) -> Span {
        if context.trace.context().is_none() {
            return Span::none(None);
        }
        let field = match params.first_mut() {
            Some(Val::Record(fields)) => self.trace_field.and_then(|field| fields.get_mut(field)),
            _ => None,
        };
        let told = match field {
            Some((_, Val::String(text))) => Some(text),
            _ => None,
        };
        let said = told.as_ref().and_then(|text| TraceContext::parse(text));
        let mut span = context.trace.span_of(said, SpanKind::Client, || self.name.clone());
        span.set("rpc.system.name", "kobliat");
        let left = said.is_some_and(|said| context.trace.is_left_by(&said));
        if let (Some(told), Some(context)) = (told, span.context())
            && (told.is_empty() || (span.is_recorded() && !left))
        {
            *told = context.to_string();
        }
        if span.is_recorded() {
            context.trace = span.trace();
        }
        span
    }

    /// The callee is told what is left: the least of what the caller says, what its own request has, and the limit.
    fn apply_deadline(&self, mut context: CallContext, params: &mut [Val]) -> CallContext {
        let Some(Val::Record(fields)) = params.first_mut() else { return context };
        let Some((_, Val::U32(deadline_ms))) = self.deadline_field.and_then(|field| fields.get_mut(field)) else {
            return context;
        };
        if *deadline_ms > 0 {
            context = context.within(Duration::from_millis(u64::from(*deadline_ms)));
        }
        *deadline_ms = u32::try_from(context.remaining().as_millis()).unwrap_or(u32::MAX).max(1);
        context
    }
}

/// `Err(unavailable(reason))`, which the check has made sure the function can answer.
fn unavailable(reason: &str) -> Val {
    let case = Val::Variant("unavailable".into(), Some(Box::new(Val::String(reason.into()))));
    Val::Result(Err(Some(Box::new(case))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        let target = Target::new("callee".into(), Duration::from_secs(10));
        Link { name: "a:b/c#d".into(), target, position: 0, deadline_field: Some(1), trace_field: None }
    }

    fn context_record(deadline_ms: u32) -> Val {
        Val::Record(vec![
            ("tenant".into(), Val::String("default".into())),
            ("deadline-ms".into(), Val::U32(deadline_ms)),
        ])
    }

    fn deadline_of(params: &[Val]) -> u32 {
        let [Val::Record(fields)] = params else { panic!("the context") };
        let (_, Val::U32(deadline)) = fields[1] else { panic!("the deadline") };
        deadline
    }

    #[test]
    fn tells_the_callee_what_is_left_of_the_callers_deadline() {
        let caller = CallContext::external(Duration::from_millis(500), "");
        let mut params = vec![context_record(60_000)];
        let context = link().apply_deadline(caller, &mut params);
        assert!(deadline_of(&params) <= 500);
        assert!(context.remaining() <= Duration::from_millis(500));
    }

    #[test]
    fn takes_the_callers_own_shorter_limit() {
        let caller = CallContext::external(Duration::from_secs(30), "");
        let mut params = vec![context_record(200)];
        let context = link().apply_deadline(caller, &mut params);
        assert!(context.remaining() <= Duration::from_millis(200));
    }

    #[test]
    fn a_caller_without_a_limit_learns_the_one_in_force() {
        let caller = CallContext::external(Duration::from_secs(30), "");
        let mut params = vec![context_record(0)];
        link().apply_deadline(caller, &mut params);
        assert!(deadline_of(&params) > 20_000);
    }

    #[test]
    fn a_call_weighs_what_its_values_hold() {
        let context = context_record(7);
        let list = Val::List(vec![Val::String("x".repeat(1000)), Val::Option(Some(Box::new(context)))]);
        let weight = weight(&[list]);
        assert!((1000..1500).contains(&weight), "{weight}");
    }

    #[test]
    fn refuses_a_call_that_is_nested_too_deeply() {
        let mut context = CallContext::external(Duration::from_secs(30), "");
        for _ in 0..kobliat_engine::context::MAX_DEPTH {
            context = link().target.nested_context(&context).unwrap();
        }
        assert_eq!(link().target.nested_context(&context).unwrap_err(), kobliat_engine::CallError::TooDeep);
    }
}
