// A decoder layer in f64 with a residual stream of 8: two query heads on one key head, branches of stacked rank 2.
func.func @decoder_layer(
    %h: tensor<?x8xf64> {mlora.input = "h", mlora.extent = "rows"},
    %rotary: tensor<?x4xf64> {mlora.input = "rotary", mlora.extent = "rows"},
    %start: tensor<?xi32> {mlora.input = "start", mlora.extent = "rows"},
    %n0: tensor<8xf64> {mlora.weight = "input_layernorm"},
    %wq: tensor<8x8xf64> {mlora.weight = "self_attn.q_proj"},
    %wk: tensor<4x8xf64> {mlora.weight = "self_attn.k_proj"},
    %wv: tensor<4x8xf64> {mlora.weight = "self_attn.v_proj"},
    %wo: tensor<8x8xf64> {mlora.weight = "self_attn.o_proj"},
    %n1: tensor<8xf64> {mlora.weight = "post_attention_layernorm"},
    %wg: tensor<12x8xf64> {mlora.weight = "mlp.gate_proj"},
    %wu: tensor<12x8xf64> {mlora.weight = "mlp.up_proj"},
    %wd: tensor<8x12xf64> {mlora.weight = "mlp.down_proj"},
    %da: tensor<6x8xf64> {mlora.trainable = "self_attn.q_proj+self_attn.k_proj+self_attn.v_proj.A"},
    %uq: tensor<8x2xf64> {mlora.trainable = "self_attn.q_proj.up"},
    %uk: tensor<4x2xf64> {mlora.trainable = "self_attn.k_proj.up"},
    %uv: tensor<4x2xf64> {mlora.trainable = "self_attn.v_proj.up"},
    %do: tensor<2x8xf64> {mlora.trainable = "self_attn.o_proj.A"},
    %uo: tensor<8x2xf64> {mlora.trainable = "self_attn.o_proj.up"},
    %dg: tensor<4x8xf64> {mlora.trainable = "mlp.gate_proj+mlp.up_proj.A"},
    %ug: tensor<12x2xf64> {mlora.trainable = "mlp.gate_proj.up"},
    %uu: tensor<12x2xf64> {mlora.trainable = "mlp.up_proj.up"},
    %dd: tensor<2x12xf64> {mlora.trainable = "mlp.down_proj.A"},
    %ud: tensor<8x2xf64> {mlora.trainable = "mlp.down_proj.up"}) -> tensor<?x8xf64> {
  %x = mlora.rms_norm %h, %n0 eps 1.0e-5 : (tensor<?x8xf64>, tensor<8xf64>) -> tensor<?x8xf64>
  %q, %k, %v, %m0 = mlora.adapted_linear %x weights(%wq, %wk, %wv) ups(%uq, %uk, %uv) down %da
    : (tensor<?x8xf64>, tensor<8x8xf64>, tensor<4x8xf64>, tensor<4x8xf64>, tensor<8x2xf64>, tensor<4x2xf64>, tensor<4x2xf64>,
       tensor<6x8xf64>) -> (tensor<?x8xf64>, tensor<?x4xf64>, tensor<?x4xf64>, tensor<?x6xf64>)
  %qr = mlora.rope %q, %rotary heads 2 : (tensor<?x8xf64>, tensor<?x4xf64>) -> tensor<?x8xf64>
  %kr = mlora.rope %k, %rotary heads 1 : (tensor<?x4xf64>, tensor<?x4xf64>) -> tensor<?x4xf64>
  %a, %lse = mlora.attention %qr, %kr, %v document %start heads 2 kv_heads 1
    : (tensor<?x8xf64>, tensor<?x4xf64>, tensor<?x4xf64>, tensor<?xi32>) -> (tensor<?x8xf64>, tensor<?x2xf64>)
  %o, %m1 = mlora.adapted_linear %a weights(%wo) ups(%uo) down %do
    : (tensor<?x8xf64>, tensor<8x8xf64>, tensor<8x2xf64>, tensor<2x8xf64>) -> (tensor<?x8xf64>, tensor<?x2xf64>)
  %h1 = mlora.add %h, %o : tensor<?x8xf64>
  %x1 = mlora.rms_norm %h1, %n1 eps 1.0e-5 : (tensor<?x8xf64>, tensor<8xf64>) -> tensor<?x8xf64>
  %g, %u, %m2 = mlora.adapted_linear %x1 weights(%wg, %wu) ups(%ug, %uu) down %dg
    : (tensor<?x8xf64>, tensor<12x8xf64>, tensor<12x8xf64>, tensor<12x2xf64>, tensor<12x2xf64>, tensor<4x8xf64>)
    -> (tensor<?x12xf64>, tensor<?x12xf64>, tensor<?x4xf64>)
  %s = mlora.swiglu %g, %u : (tensor<?x12xf64>, tensor<?x12xf64>) -> tensor<?x12xf64>
  %d, %m3 = mlora.adapted_linear %s weights(%wd) ups(%ud) down %dd
    : (tensor<?x12xf64>, tensor<8x12xf64>, tensor<8x2xf64>, tensor<2x12xf64>) -> (tensor<?x8xf64>, tensor<?x2xf64>)
  %h2 = mlora.add %h1, %d : tensor<?x8xf64>
  return %h2 : tensor<?x8xf64>
}
