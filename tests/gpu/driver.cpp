// A driver that keeps its memory in the CPU's and runs one kernel, written in C++ here: it stands in for libcuda.so.1 where no GPU is, and
// is as strict as the real one about contexts, handles, sizes and the order of calls. Numbers and signatures are those of cuda.h.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <atomic>
#include <map>
#include <mutex>
#include <vector>

enum { Success = 0, InvalidValue = 1, OutOfMemory = 2, NotInitialized = 3, NoDevice = 100, InvalidDevice = 101, InvalidImage = 200, InvalidContext = 201, InvalidHandle = 400, NotFound = 500 };

namespace {

constexpr int StaticShared = 1024, SharedOptIn = 232448, SharedUnasked = 49152;

struct Function { char symbol[64]; int dynamic_shared; };
struct Fill { float* target; long long count; float value; };

std::mutex gate;
std::map<char*, size_t> memory;
std::atomic<int> launches, modules, live_events;
int devices = 2, capability = 90;
bool initialized;
int contexts[16];
thread_local std::vector<int*> stack;

int* current() { return stack.empty() ? nullptr : stack.back(); }

bool inside(const void* address, size_t bytes) {
    std::lock_guard<std::mutex> one(gate);
    auto next = memory.upper_bound(const_cast<char*>(static_cast<const char*>(address)));
    if (next == memory.begin()) return false;
    --next;
    return static_cast<const char*>(address) + bytes <= next->first + next->second;
}

}  // namespace

#define API extern "C" __attribute__((visibility("default"))) int
#define NEEDS_CONTEXT if (current() == nullptr) return InvalidContext

// For the tests.
API fake_setup(int count, int compute) { devices = count; capability = compute; launches = modules = 0; return 0; }
API fake_launches() { return launches; }
API fake_modules() { return modules; }
API fake_allocations() { std::lock_guard<std::mutex> one(gate); return static_cast<int>(memory.size()) + live_events; }
API fake_depth() { return static_cast<int>(stack.size()); }

API cuInit(unsigned flags) {
    if (flags != 0) return InvalidValue;
    if (devices == 0) return NoDevice;
    initialized = true;
    return Success;
}

API cuGetErrorName(int code, const char** text) {
    *text = code == InvalidImage ? "CUDA_ERROR_INVALID_IMAGE" : code == OutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY" : code == NoDevice ? "CUDA_ERROR_NO_DEVICE" : "CUDA_ERROR_OTHER";
    return Success;
}

API cuGetErrorString(int code, const char** text) { *text = code == OutOfMemory ? "out of memory" : "the stand-in says no"; return Success; }
API cuDriverGetVersion(int* version) { *version = 12040; return Success; }
API cuDeviceGetCount(int* count) { *count = devices; return initialized ? Success : NotInitialized; }
API cuDeviceGet(int* device, int ordinal) { *device = 100 + ordinal; return ordinal >= 0 && ordinal < devices ? Success : InvalidDevice; }

API cuDeviceGetName(char* name, int bytes, int device) {
    strncpy(name, "Stand-in GPU", static_cast<size_t>(bytes));
    return device >= 100 && device < 100 + devices ? Success : InvalidDevice;
}

API cuDeviceGetAttribute(int* value, int attribute, int device) {
    if (device < 100 || device >= 100 + devices) return InvalidDevice;
    switch (attribute) {
        case 75: *value = capability / 10; return Success;
        case 76: *value = capability % 10; return Success;
        case 13: *value = 1755000; return Success;   // clock, kHz
        case 16: *value = 132; return Success;       // multiprocessors
        case 97: *value = SharedOptIn; return Success;
        default: return InvalidValue;
    }
}

API cuDevicePrimaryCtxRetain(void** context, int device) {
    if (device < 100 || device >= 100 + devices) return InvalidDevice;
    *context = &contexts[device - 100];
    return Success;
}

API cuCtxPushCurrent_v2(void* context) {
    if (context < contexts || context >= contexts + 16) return InvalidContext;
    stack.push_back(static_cast<int*>(context));
    return Success;
}

API cuCtxPopCurrent_v2(void** context) {
    NEEDS_CONTEXT;
    *context = current();
    stack.pop_back();
    return Success;
}

API cuCtxSynchronize() { NEEDS_CONTEXT; return Success; }

API cuModuleLoadDataEx(void** module, const void* image, unsigned count, const int* options, void** values) {
    NEEDS_CONTEXT;
    if (count != 2 || options[0] != 5 || options[1] != 6) return InvalidValue;
    if (memcmp(image, "fake", 4) != 0) {
        strncpy(static_cast<char*>(values[0]), "no such magic", reinterpret_cast<size_t>(values[1]));
        return InvalidImage;
    }

    modules++;
    Function* one = new Function();
    strncpy(one->symbol, static_cast<const char*>(image) + 4, sizeof one->symbol - 1);
    one->dynamic_shared = SharedUnasked;
    *module = one;
    return Success;
}

API cuModuleGetFunction(void** function, void* module, const char* symbol) {
    NEEDS_CONTEXT;
    *function = module;
    return strcmp(static_cast<Function*>(module)->symbol, symbol) == 0 ? Success : NotFound;
}

API cuFuncGetAttribute(int* value, int attribute, void* function) {
    NEEDS_CONTEXT;
    *value = StaticShared;
    return attribute == 1 && function != nullptr ? Success : InvalidValue;
}

API cuFuncSetAttribute(void* function, int attribute, int value) {
    NEEDS_CONTEXT;
    if (attribute != 8 || value < 0 || value + StaticShared > SharedOptIn) return InvalidValue;
    static_cast<Function*>(function)->dynamic_shared = value;
    return Success;
}

API cuLaunchKernel(void* function, unsigned grid, unsigned grid_y, unsigned grid_z, unsigned block, unsigned block_y, unsigned block_z, unsigned shared,
                   void* stream, void** parameters, void** extra) {
    NEEDS_CONTEXT;
    if (grid == 0 || grid_y != 1 || grid_z != 1 || block == 0 || block > 1024 || block_y != 1 || block_z != 1 || extra != nullptr || stream != nullptr) return InvalidValue;
    if (static_cast<int>(shared) > static_cast<Function*>(function)->dynamic_shared) return InvalidValue;
    Fill fill = *static_cast<Fill*>(parameters[0]);
    if (!inside(fill.target, static_cast<size_t>(fill.count) * 4)) return InvalidHandle;
    for (long long i = 0; i < fill.count && i < static_cast<long long>(grid) * block; i++) fill.target[i] = fill.value;
    launches++;
    return Success;
}

API cuMemAlloc_v2(void** address, size_t bytes) {
    NEEDS_CONTEXT;
    if (bytes == 0) return InvalidValue;
    if (bytes > (1u << 30)) return OutOfMemory;
    *address = aligned_alloc(256, (bytes + 255) / 256 * 256);
    std::lock_guard<std::mutex> one(gate);
    memory[static_cast<char*>(*address)] = bytes;
    return Success;
}

API cuMemFree_v2(void* address) {
    NEEDS_CONTEXT;
    std::lock_guard<std::mutex> one(gate);
    if (memory.erase(static_cast<char*>(address)) == 0) return InvalidValue;
    free(address);
    return Success;
}

API cuMemsetD8Async(void* address, unsigned char value, size_t bytes, void* stream) {
    NEEDS_CONTEXT;
    if (!inside(address, bytes) || stream != nullptr) return InvalidValue;
    memset(address, value, bytes);
    return Success;
}

API cuMemcpyHtoD_v2(void* target, const void* source, size_t bytes) {
    NEEDS_CONTEXT;
    if (!inside(target, bytes)) return InvalidValue;
    memcpy(target, source, bytes);
    return Success;
}

API cuMemcpyDtoH_v2(void* target, const void* source, size_t bytes) {
    NEEDS_CONTEXT;
    if (!inside(source, bytes)) return InvalidValue;
    memcpy(target, source, bytes);
    return Success;
}

API cuEventCreate(void** event, unsigned flags) {
    NEEDS_CONTEXT;
    *event = new int(0);
    live_events++;
    return flags == 0 ? Success : InvalidValue;
}

API cuEventRecord(void* event, void* stream) { NEEDS_CONTEXT; *static_cast<int*>(event) = 1; return stream == nullptr ? Success : InvalidHandle; }
API cuEventSynchronize(void* event) { NEEDS_CONTEXT; return event != nullptr ? Success : InvalidHandle; }

API cuEventElapsedTime(float* milliseconds, void* start, void* stop) {
    NEEDS_CONTEXT;
    *milliseconds = 1.5f;
    return *static_cast<int*>(start) == 1 && *static_cast<int*>(stop) == 1 ? Success : InvalidHandle;
}

API cuEventDestroy_v2(void* event) { NEEDS_CONTEXT; delete static_cast<int*>(event); live_events--; return Success; }
