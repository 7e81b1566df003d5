#include "mlora/Runtime/Program/CudaRates.h"

#include "CudaContext.h"
#include "CudaProducts.h"
#include "mlora/Runtime/Model/FloatFormats.h"

#include <algorithm>
#include <chrono>

namespace mlora {
namespace {

/// Numbers in [-1, 1), the same in every run; their pattern repeats where more is asked for.
std::vector<char> randomOperand(ElementType type, int64_t bytes) {
  std::vector<char> values(static_cast<size_t>(bytes));
  uint64_t state = 1;
  for (int64_t at = 0; at + bytesOf(type) <= bytes; at += bytesOf(type)) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    float value = float(int32_t(state >> 32)) * 0x1p-31f;
    if (type == ElementType::BF16) {
      uint16_t stored = floatToBfloat(value);
      std::copy_n(reinterpret_cast<const char *>(&stored), sizeof stored, values.data() + at);
    } else {
      std::copy_n(reinterpret_cast<const char *>(&value), sizeof value, values.data() + at);
    }
  }
  return values;
}

} // namespace

struct CudaRates::State {
  explicit State(cuda::Table &table)
      : table(table), context(table), stream(makeStream(table)),
        products(table, stream.get(), CudaProducts::keptChoices(table, context)) {}

  void wait() { check(table, table.driver.streamSynchronize(stream.get()), "cuStreamSynchronize"); }

  /// Seconds of one of `repeats` behind each other, behind one that nobody times.
  double time(int repeats, const std::function<void()> &work) {
    work();
    wait();
    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i)
      work();
    wait();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeats;
  }

  /// Device memory of random numbers.
  CudaMemory operand(ElementType type, int64_t bytes) {
    CudaMemory memory = makeMemory(table, bytes, "an operand");
    std::vector<char> values = randomOperand(type, std::min<int64_t>(bytes, 16 << 20));
    for (int64_t at = 0; at < bytes; at += int64_t(values.size()))
      check(table,
            table.driver.memcpyHtoDAsync(memory.get() + cuda::DevicePointer(at), values.data(),
                                         size_t(std::min<int64_t>(bytes - at, int64_t(values.size()))),
                                         stream.get()),
            "cuMemcpyHtoDAsync");
    wait();
    return memory;
  }

  cuda::Table &table;
  CudaContext context;
  CudaStream stream;
  CudaMemory workspace;
  CudaProducts products;
};

CudaRates::CudaRates(cuda::Table &table) {
  cuda::loadBlasLt(table);
  state = std::make_unique<State>(table);
}

CudaRates::~CudaRates() = default;

const std::string &CudaRates::name() const { return state->context.name(); }

int64_t CudaRates::freeBytes() const { return state->context.memory().first; }

double CudaRates::secondsOf(const Product &product, int repeats) {
  if (!state->workspace.get()) {
    state->workspace = makeMemory(state->table, CudaProducts::workspaceBytes, "the products' workspace");
    state->products.open(state->workspace.get());
  }
  auto [m, n, k, isTransposed, type] = product;
  CudaMemory a = state->operand(type, m * k * bytesOf(type)), w = state->operand(type, n * k * bytesOf(type)),
             y = makeMemory(state->table, m * n * bytesOf(type), "a product");
  LibraryProduct made;
  made.n = n;
  made.k = made.lda = k;
  made.ldw = isTransposed ? n : k;
  made.ldy = n;
  made.type = made.resultType = type;
  made.isTransposed = isTransposed;
  auto pointer = [](const CudaMemory &memory) { return reinterpret_cast<void *>(memory.get()); };
  return state->time(
      repeats, [&] { state->products.run(made, "that is measured", m, pointer(a), pointer(w), pointer(y)); });
}

double CudaRates::copyRate(int64_t bytes) {
  CudaMemory from = state->operand(ElementType::F32, bytes), to = makeMemory(state->table, bytes, "a copy");
  double seconds = state->time(10, [&] {
    check(state->table,
          state->table.driver.memcpyDtoDAsync(to.get(), from.get(), size_t(bytes), state->stream.get()),
          "cuMemcpyDtoDAsync");
  });
  return 2.0 * double(bytes) / seconds;
}

} // namespace mlora
