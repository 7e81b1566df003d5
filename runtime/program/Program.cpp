#include "mlora/Runtime/Program/Program.h"

#include "mlora/Runtime/Core/Error.h"

#include <cstring>

namespace mlora {

Program::Program(Bundle bundle, const Scalars &capacity, int64_t threads)
    : bundle_(std::move(bundle)), layout_(bundle_.manifest, capacity), pool_(threads),
      device_(Device::make(bundle_, layout_, pool_)), executor_(bundle_.manifest, layout_, *device_) {}

void Program::setInput(std::string_view name, std::span<const int32_t> values) {
  setInput(name, values.data(), values.size(), ElementType::I32);
}

void Program::setInput(std::string_view name, std::span<const float> values) {
  setInput(name, values.data(), values.size(), ElementType::F32);
}

void Program::setInput(std::string_view name, const void *values, size_t count, ElementType type) {
  int index = manifest().find(name, Role::Input);
  if (index < 0)
    failed("the program has no input " + std::string(name));
  const Buffer &buffer = manifest().buffers[size_t(index)];
  if (buffer.type != type)
    failed("the program's input " + std::string(name) + " is of another type");
  if (int64_t(count) > buffer.elements(capacity()))
    failed("the program's input " + std::string(name) + " holds " +
           std::to_string(buffer.elements(capacity())) + " values, not " + std::to_string(count));
  std::memcpy(device_->arena().at(layout_.offset(size_t(index), 0)), values, count * 4);
}

std::span<const float> Program::output(std::string_view name) const {
  int index = manifest().find(name, Role::Output);
  if (index < 0 || manifest().buffers[size_t(index)].type != ElementType::F32)
    failed("the program has no output " + std::string(name));
  return slot(index, 0);
}

std::byte *Program::slotOf(int buffer, int64_t index, ElementType type) const {
  const Buffer &wanted = manifest().buffers[size_t(buffer)];
  if (wanted.type != type)
    failed("the program's buffer " + wanted.name + " is of another type");
  return static_cast<std::byte *>(device_->arena().at(layout_.offset(size_t(buffer), index)));
}

std::span<float> Program::slot(int buffer, int64_t index) const {
  return {reinterpret_cast<float *>(slotOf(buffer, index, ElementType::F32)),
          size_t(manifest().buffers[size_t(buffer)].elements(capacity()))};
}

std::span<uint16_t> Program::bfloatSlot(int buffer, int64_t index) const {
  return {reinterpret_cast<uint16_t *>(slotOf(buffer, index, ElementType::BF16)),
          size_t(manifest().buffers[size_t(buffer)].elements(capacity()))};
}

} // namespace mlora
