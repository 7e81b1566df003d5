#include "CudaContext.h"

namespace mlora {

CudaGpu::CudaGpu(const cuda::Table &table) : table(table) {
  check(table, table.driver.init(0), "cuInit");
  check(table, table.driver.deviceGet(&device, 0), "cuDeviceGet");
  char text[256] = "";
  check(table, table.driver.deviceGetName(text, sizeof text, device), "cuDeviceGetName");
  deviceName = text;
}

int CudaGpu::attribute(cuda::DeviceAttribute attribute) const {
  int value = 0;
  check(table, table.driver.deviceGetAttribute(&value, attribute, device), "cuDeviceGetAttribute");
  return value;
}

CudaContext::CudaContext(const cuda::Table &table) : CudaGpu(table) {
  cuda::Context *context = nullptr;
  check(table, table.driver.primaryCtxRetain(&context, device), "cuDevicePrimaryCtxRetain");
  cuda::Result result = table.driver.ctxSetCurrent(context);
  if (result != cuda::Result::Success)
    table.driver.primaryCtxRelease(device);
  check(table, result, "cuCtxSetCurrent");
}

CudaContext::~CudaContext() {
  if (!table.keepsContext)
    table.driver.primaryCtxRelease(device);
}

std::pair<int64_t, int64_t> CudaContext::memory() const {
  size_t free = 0, total = 0;
  check(table, table.driver.memGetInfo(&free, &total), "cuMemGetInfo");
  return {int64_t(free), int64_t(total)};
}

} // namespace mlora
