// RUN: mlora-opt %s --mlora-form-kernels --verify-diagnostics

func.func @nameless(%h: tensor<?x8xf32>, %n: tensor<8xf32>) -> tensor<?x8xf32> {
  // expected-error @+1 {{has a result whose number of rows is not tied to a run-time scalar}}
  %x = mlora.rms_norm %h, %n eps 1.0e-5 : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %x : tensor<?x8xf32>
}
