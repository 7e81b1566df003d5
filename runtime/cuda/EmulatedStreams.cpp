// Streams, events and graphs, emulated: nothing runs before somebody waits for it, so that a missing wait
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
    checkCaptures(stream, "cuStreamWaitEvent"); // the emulator captures one stream at a time
    if (!moment.stream)
      return; // as the real one: what was never recorded is no reason to wait
    join(stream.order, moment.order);
    device.enqueue(stream,
                   {"cuStreamWaitEvent", {}, [&device, other = moment.stream, number = moment.number] {
                      if (device.streams.contains(other))
                        device.runUntil(*other, number);
                    }});
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
    checkCaptures(stream, "cuEventRecord");
    moment.milliseconds = -1;
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
    if (!moment.stream)
      return;
    device.runUntil(*moment.stream, moment.number);
    device.hostWaited(moment.order);
  });
}

Result emulated_eventElapsedTime(float *elapsed, Event *start, Event *end) {
  return guarded("cuEventElapsedTime", [&](Emulation &device) {
    Event &first = eventOf(device, start), &last = eventOf(device, end);
    if (!first.hasTiming || !last.hasTiming || !first.stream || !last.stream)
      refuse(Result::InvalidHandle, "cuEventElapsedTime: an event without timing, or not recorded");
    if (first.milliseconds < 0 || last.milliseconds < 0)
      refuse(Result::NotReady, "cuEventElapsedTime: an event that nobody has waited for");
    *elapsed = float(last.milliseconds - first.milliseconds);
  });
}

Result emulated_streamBeginCapture(Stream *handle, CaptureMode) {
  return guarded("cuStreamBeginCapture", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    device.checkNotCapturing("cuStreamBeginCapture");
    stream.capture = std::make_unique<Graph>();
  });
}

Result emulated_streamEndCapture(Stream *handle, Graph **graph) {
  return guarded("cuStreamEndCapture", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    if (!stream.capture)
      refuse(Result::StreamCaptureUnmatched, "cuStreamEndCapture: this stream is not captured");
    *graph = stream.capture.release();
  });
}

Result emulated_graphInstantiate(GraphExec **executable, Graph *graph, unsigned long long) {
  return guarded("cuGraphInstantiate", [&](Emulation &device) {
    *executable = new GraphExec{graph->operations};
    device.graphs.insert(*executable);
  });
}

Result emulated_graphLaunch(GraphExec *executable, Stream *handle) {
  return guarded("cuGraphLaunch", [&](Emulation &device) {
    Stream &stream = device.streamOf(handle);
    if (!device.graphs.contains(executable))
      refuse(Result::InvalidHandle, "cuGraphLaunch: there is no such graph (or it is destroyed)");
    checkCaptures(stream, "cuGraphLaunch");
    for (const Operation &operation : executable->operations)
      device.enqueue(stream, operation);
  });
}

Result emulated_graphExecDestroy(GraphExec *executable) {
  return guarded("cuGraphExecDestroy", [&](Emulation &device) {
    if (!device.graphs.erase(executable))
      refuse(Result::InvalidHandle, "cuGraphExecDestroy: there is no such graph");
    delete executable;
  });
}

Result emulated_graphDestroy(Graph *graph) {
  return guarded("cuGraphDestroy", [&](Emulation &) { delete graph; });
}

} // namespace mlora::cuda
