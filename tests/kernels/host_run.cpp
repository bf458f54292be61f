// One kernel as a function of a shared library: FILE_NAME its file, FUNCTION its name, ARGUMENT its structure.
#include "host_cuda.h"
#include FILE_NAME

extern "C" int run(const void* argument, unsigned size, unsigned blocks, unsigned threads, size_t bytes) {
    if (size != sizeof(ARGUMENT)) return 1;
    host::launch(FUNCTION, *static_cast<const ARGUMENT*>(argument), blocks, threads, bytes);
    return 0;
}
