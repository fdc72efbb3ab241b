;; A guest that hands its caller what `get` answers: `read` asks spin:variables, `read-sync` the older interface.
(component
  (import "spin:variables/variables@3.0.0" (instance $variables
    (type $error (variant (case "invalid-name" string) (case "undefined" string) (case "provider" string) (case "other" string)))
    (export "error" (type $named (eq $error)))
    (export "get" (func async (param "name" string) (result (result string (error $named)))))
  ))
  (import "fermyon:spin/variables@2.0.0" (instance $older
    (type $error (variant (case "invalid-name" string) (case "undefined" string) (case "provider" string) (case "other" string)))
    (export "error" (type $named (eq $error)))
    (export "get" (func (param "name" string) (result (result string (error $named)))))
  ))
  (alias export $variables "error" (type $variables-error))
  (alias export $older "error" (type $older-error))
  (alias export $variables "get" (func $variables-get))
  (alias export $older "get" (func $older-get))

  (core module $memory-module
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32) (param $size i32) (result i32)
      (local $place i32)
      (local.set $place (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $place) (local.get $size)))
      (local.get $place)))
  (core instance $allocator (instantiate $memory-module))
  (alias core export $allocator "memory" (core memory $memory))
  (alias core export $allocator "realloc" (core func $realloc))
  (core func $get (canon lower (func $variables-get) (memory $memory) (realloc $realloc)))
  (core func $get-sync (canon lower (func $older-get) (memory $memory) (realloc $realloc)))

  ;; The answer is written to address 16, where the caller finds it.
  (core module $forward-module
    (import "variables" "get" (func $get (param i32 i32 i32)))
    (import "variables" "get-sync" (func $get-sync (param i32 i32 i32)))
    (func (export "read") (param i32 i32) (result i32)
      (call $get (local.get 0) (local.get 1) (i32.const 16))
      (i32.const 16))
    (func (export "read-sync") (param i32 i32) (result i32)
      (call $get-sync (local.get 0) (local.get 1) (i32.const 16))
      (i32.const 16)))
  (core instance $forward (instantiate $forward-module
    (with "variables" (instance (export "get" (func $get)) (export "get-sync" (func $get-sync))))))

  (alias core export $forward "read" (core func $read))
  (alias core export $forward "read-sync" (core func $read-sync))
  (func (export "read") async (param "name" string) (result (result string (error $variables-error)))
    (canon lift (core func $read) (memory $memory) (realloc $realloc)))
  (func (export "read-sync") (param "name" string) (result (result string (error $older-error)))
    (canon lift (core func $read-sync) (memory $memory) (realloc $realloc)))
)
