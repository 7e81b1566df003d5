#include "mlora/Runtime/Report/TensorBoard.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Files.h"

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <unistd.h>

static_assert(std::endian::native == std::endian::little);

namespace mlora {
namespace {

/// Fields of protobuf messages: a tag (number * 8 + wire type) and a value.
class Message {
public:
  Message &varint(int field, uint64_t value) {
    number(uint64_t(field) << 3 | 0);
    number(value);
    return *this;
  }
  Message &fixed64(int field, double value) { return raw(uint64_t(field) << 3 | 1, &value, 8); }
  Message &fixed32(int field, float value) { return raw(uint64_t(field) << 3 | 5, &value, 4); }
  Message &bytes(int field, std::string_view value) {
    number(uint64_t(field) << 3 | 2);
    number(value.size());
    text += value;
    return *this;
  }
  std::string text;

private:
  Message &raw(uint64_t tag, const void *value, size_t size) {
    number(tag);
    text.append(static_cast<const char *>(value), size);
    return *this;
  }
  void number(uint64_t value) {
    for (; value >= 128; value >>= 7)
      text += char(value | 128);
    text += char(value);
  }
};

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// tensorflow/core/util/event.proto: Event { wall_time = 1, step = 2, file_version = 3, summary = 5,
// session_log = 7 }
Message event(int64_t step) {
  Message message;
  message.fixed64(1, now());
  if (step)
    message.varint(2, uint64_t(step));
  return message;
}

template <typename Integer> std::string littleEndian(Integer value) {
  return {reinterpret_cast<const char *>(&value), sizeof value};
}

std::string hostName() {
  char name[256] = "";
  gethostname(name, sizeof name - 1);
  return *name ? name : "localhost";
}

} // namespace

TensorBoard::TensorBoard(const std::filesystem::path &folder, int64_t resumedSteps) {
  makeFolders(folder);
  path = folder / ("events.out.tfevents." + std::to_string(int64_t(now())) + "." + hostName() + "." +
                   std::to_string(getpid()));
  file.open(path, std::ios::binary | std::ios::app);
  write(event(0).bytes(3, "brain.Event:2").text);
  // SessionLog { status = 1 } START: events of earlier files from this step on are dropped.
  if (resumedSteps > 0)
    write(event(resumedSteps + 1).bytes(7, Message().varint(1, 1).text).text);
}

std::string TensorBoard::record(std::string_view data) {
  std::string length = littleEndian(uint64_t(data.size()));
  return length + littleEndian(maskedCrc32c(length)) + std::string(data) + littleEndian(maskedCrc32c(data));
}

void TensorBoard::write(const std::string &event) {
  file << record(event) << std::flush;
  if (!file)
    failed("cannot write " + path.string() + ": " + std::strerror(errno) +
           ": make room or choose another output_dir");
}

void TensorBoard::step(const StepRecord &values) {
  Message summary; // Summary { repeated Value value = 1 }, Value { tag = 1, simple_value = 2 }
  auto add = [&](const char *tag, const std::optional<double> &value) {
    if (value)
      summary.bytes(1, Message().bytes(1, tag).fixed32(2, float(*value)).text);
  };
  add("train/loss", values.loss);
  add("train/learning_rate", values.learningRate);
  add("train/grad_norm", values.gradientNorm);
  add("train/tokens_per_second", values.tokensPerSecond);
  add("train/epoch", values.loss ? std::optional<double>(values.epoch) : std::nullopt);
  add("eval/loss", values.evalLoss);
  for (const auto &[name, value] : values.scores)
    add(("eval/" + name).c_str(), value);
  write(event(values.currentSteps).bytes(5, summary.text).text);
}

} // namespace mlora
