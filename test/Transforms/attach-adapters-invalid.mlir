// RUN: mlora-opt %s --mlora-attach-adapters="targets=q_proj,query" --split-input-file --verify-diagnostics

// A name that no layer has is an error, not an adapter less; so is a module without the layer.

// expected-error@below {{mlora-attach-adapters: target 'query' matches no linear layer; there are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj}}
module {
  func.func @decoder_layer(%x: tensor<?x16xf32>, %w: tensor<8x16xf32> {mlora.weight = "self_attn.q_proj"}) -> tensor<?x8xf32> {
    %q = mlora.linear %x, %w : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
    return %q : tensor<?x8xf32>
  }
}

// -----

// expected-error@below {{there is no function @decoder_layer}}
module {}
