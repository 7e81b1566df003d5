// Streams and events, emulated: nothing runs before somebody waits for it, so that a missing wait
// shows.
#include "Emulation.h"

#include <chrono>

namespace mlora::cuda {
namespace {

double milliseconds() {
  auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration<double, std::milli>(now).count();
}

Event &eventOf(Emulation &device, Event *event) {
  if (!device.events.contains(event))
    refuse(Result::InvalidHandle, "there is no such event (or it is destroyed)");
  return *event;
}

void checkCaptures(Stream &stream, const char *function) {
  if (stream.capture)
    refuse(Result::StreamCaptureUnsupported, std::string(function) + " while this stream is captured");
}

/// Of a capture, which the stream may not be part of yet.
void waitInCapture(Emulation &device, Stream &stream, const Event &event) {
  std::shared_ptr<Capture> capture = stream.capture;
  if (!capture)
    for (Stream *other : device.streams)
      if (other->capture && other->capture->number == event.capture)
        capture = other->capture;
  if (!capture)
    refuse(Result::CapturedEvent, "cuStreamWaitEvent: the event was recorded in a capture, which has ended: "
                                  "a graph's events are its own");
  if (capture->number != event.capture)
    refuse(Result::StreamCaptureIsolation,
           "cuStreamWaitEvent: the stream is captured, and the event was recorded " +
               std::string(event.capture ? "in another capture" : "outside"));
  if (!stream.capture) {
    stream.capture = capture;
    stream.lane = capture->graph.lanes++;
    capture->streams.push_back(&stream);
    capture->recorded.push_back(0);
    capture->orders.emplace_back();
  }
  join(capture->orders[stream.lane], event.order);
  capture->add(stream.lane, {.waits = event.inGraph});
}

void checkNotCaptured(const Event &event, const char *function) {
  if (event.capture)
    refuse(Result::CapturedEvent,
           std::string(function) + ": the event was recorded in a capture, where nothing runs");
}

} // namespace

Result emulated_streamCreate(Stream **stream, unsigned) {
  return guarded("cuStreamCreate", [&](Emulation &device) {
    *stream = new Stream;
    (*stream)->number = ++device.streamNumbers;
    device.streams.insert(*stream);
  });
}

Result emulated_streamDestroy(Stream *handle) {
  return guarded("cuStreamDestroy", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    checkCaptures(stream, "cuStreamDestroy");
    device.runAll(stream);
    for (Event *event : device.events)
      if (event->stream == handle)
        event->stream = nullptr;
    device.streams.erase(handle);
    delete handle;
  });
}

Result emulated_streamSynchronize(Stream *handle) {
  return guarded("cuStreamSynchronize", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    checkCaptures(stream, "cuStreamSynchronize");
    device.runAll(stream);
    device.hostWaited(stream.order);
  });
}

Result emulated_streamWaitEvent(Stream *handle, Event *event, unsigned) {
  return guarded("cuStreamWaitEvent", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    Event &moment = eventOf(device, event);
    if (moment.capture || (stream.capture && moment.stream))
      return waitInCapture(device, stream, moment);
    if (moment.stream) // as the real one: what was never recorded is no reason to wait
      device.waitFor(stream, moment.stream, moment.number, moment.order);
  });
}

Result emulated_eventCreate(Event **event, unsigned flags) {
  return guarded("cuEventCreate", [&](Emulation &device) {
    *event = new Event;
    (*event)->hasTiming = !(flags & eventDisableTiming);
    device.events.insert(*event);
  });
}

Result emulated_eventDestroy(Event *event) {
  return guarded("cuEventDestroy", [&](Emulation &device) {
    Event &moment = eventOf(device, event);
    if (moment.stream)
      device.runUntil(*moment.stream, moment.number);
    device.events.erase(event);
    delete event;
  });
}

Result emulated_eventRecord(Event *event, Stream *handle) {
  return guarded("cuEventRecord", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    Event &moment = eventOf(device, event);
    moment.milliseconds = -1;
    moment.capture = 0;
    if (Capture *capture = stream.capture.get()) {
      moment.stream = nullptr;
      moment.capture = capture->number;
      moment.inGraph = capture->graph.events++;
      capture->add(stream.lane, {.reaches = moment.inGraph});
      moment.order = capture->orders[stream.lane];
      return;
    }
    device.enqueue(stream, {"cuEventRecord", {}, [&device, event] {
                              if (device.events.contains(event))
                                event->milliseconds = milliseconds();
                            }});
    moment.stream = &stream;
    moment.number = stream.enqueued;
    moment.order = stream.order;
  });
}

Result emulated_eventSynchronize(Event *event) {
  return guarded("cuEventSynchronize", [&](Emulation &device) {
    Event &moment = eventOf(device, event);
    checkNotCaptured(moment, "cuEventSynchronize");
    if (!moment.stream)
      return;
    device.runUntil(*moment.stream, moment.number);
    device.hostWaited(moment.order);
  });
}

Result emulated_eventElapsedTime(float *elapsed, Event *start, Event *end) {
  return guarded("cuEventElapsedTime", [&](Emulation &device) {
    Event &first = eventOf(device, start), &last = eventOf(device, end);
    checkNotCaptured(first, "cuEventElapsedTime");
    checkNotCaptured(last, "cuEventElapsedTime");
    if (!first.hasTiming || !last.hasTiming || !first.stream || !last.stream)
      refuse(Result::InvalidHandle, "cuEventElapsedTime: an event without timing, or not recorded");
    if (first.milliseconds < 0 || last.milliseconds < 0)
      refuse(Result::NotReady, "cuEventElapsedTime: an event that nobody has waited for");
    *elapsed = float(last.milliseconds - first.milliseconds);
  });
}

} // namespace mlora::cuda
