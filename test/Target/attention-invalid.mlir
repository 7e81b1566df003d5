// RUN: mlora-opt %s --mlora-attention-to-gpu --verify-diagnostics

// The general schedules take attention alone: what was formed for tensor cores and has no schedule there is an error, not another result.
mlora.kernel @turned_f32(%do: tensor<?x64xf32>, %k: tensor<?x64xf32>, %lse: tensor<?x4xf32>, %r: tensor<?x16xf32>) -> tensor<?x64xf32> grid ["4 by 1", "rows by 32"] {
  // expected-error@below {{shares its kernel with other ops, which takes a schedule on tensor cores}}
  %dq = mlora.attention.query_grad %do, %do, %k, %k, %do, %lse heads 4 kv_heads 4
    : (tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x64xf32>, tensor<?x4xf32>) -> tensor<?x64xf32>
  %y = mlora.rope %dq, %r heads 4 inverse : (tensor<?x64xf32>, tensor<?x16xf32>) -> tensor<?x64xf32>
  mlora.yield %y : tensor<?x64xf32>
}
