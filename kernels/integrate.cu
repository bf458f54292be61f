// The four scans of a picture made one: pixel by pixel their largest, or their weighted sum.
//
// A thread owns PIECE neighbouring pixels; of one channel, or, where the gradient of the
// weights is a sum over channels, of all of them. Everything is read once and written once.
// The reference is propagate_reference in vidprop/ops/scan/_reference.py, the tests are
// tests/kernels/test_scan_on_threads.py and tests/ops/test_scan_cuda.py.
#include "device.cuh"

#ifndef MIX
#define MIX 0  // 1: weighted sum; 0: largest, of equal ones the first
#endif

struct Integrate {
    View mix, grad;       // [image, direction, row, column]; [image, channel, row, column]
    TYPE *h, *out;        // [images, 4, channels, pixels], [images, channels, pixels]
    unsigned char* from;  // which direction was the largest, as out
    TYPE *grad_h, *grad_mix;
    int64 images, channels, pixels, width;
};

struct alignas(PIECE) Choice {
    unsigned char value[PIECE];
};

__device__ inline Piece& piece_at(TYPE* values, int64 at) { return *reinterpret_cast<Piece*>(values + at); }

/// The piece of a view's plane that begins at a pixel; shared pixels and odd strides one by one.
__device__ inline Piece piece_of(const View& v, int64 plane, int64 pixel, int64 width) {
    TYPE* const at = v.at + plane + pixel / width * v.row + pixel % width * v.column;
    if (v.column == 1) return *reinterpret_cast<const Piece*>(at);
    Piece piece;
#pragma unroll
    for (int i = 0; i < PIECE; ++i) piece.value[i] = at[i * v.column];
    return piece;
}

__device__ inline int64 thread_index() { return static_cast<int64>(blockIdx.x) * blockDim.x + threadIdx.x; }

/// Where direction d of a channel begins in h.
__device__ inline int64 scan_at(const Integrate& s, int64 image, int d, int64 channel) {
    return ((image * 4 + d) * s.channels + channel) * s.pixels;
}

KERNEL integrate_forward(const Integrate s) {
    const int64 pieces = s.pixels / PIECE, i = thread_index();
    if (i >= s.images * s.channels * pieces) return;
    const int64 pixel = i % pieces * PIECE, plane = i / pieces;
    const int64 image = plane / s.channels, channel = plane % s.channels;
    Piece h[4], out;
#pragma unroll
    for (int d = 0; d < 4; ++d) h[d] = piece_at(s.h, scan_at(s, image, d, channel) + pixel);
#if MIX
    Piece mix[4];
#pragma unroll
    for (int d = 0; d < 4; ++d)
        mix[d] = piece_of(s.mix, image * s.mix.image + d * s.mix.direction, pixel, s.width);
#pragma unroll
    for (int j = 0; j < PIECE; ++j) {
        float sum = 0;
#pragma unroll
        for (int d = 0; d < 4; ++d) sum += widen(mix[d].value[j]) * widen(h[d].value[j]);
        narrow(sum, out.value[j]);
    }
#else
    Choice from;
#pragma unroll
    for (int j = 0; j < PIECE; ++j) {
        float best = widen(h[0].value[j]);
        from.value[j] = 0;
#pragma unroll
        for (int d = 1; d < 4; ++d) {
            const float other = widen(h[d].value[j]);
            // A NaN wins, as it does in torch.max.
            if (!(other > best || (other != other && best == best))) continue;
            best = other;
            from.value[j] = d;
        }
        narrow(best, out.value[j]);
    }
    *reinterpret_cast<Choice*>(s.from + plane * s.pixels + pixel) = from;
#endif
    piece_at(s.out, plane * s.pixels + pixel) = out;
}

#if MIX

KERNEL integrate_backward(const Integrate s) {
    const int64 pieces = s.pixels / PIECE, i = thread_index();
    if (i >= s.images * pieces) return;
    const int64 pixel = i % pieces * PIECE, image = i / pieces;
    Piece mix[4];
    float grad_mix[4][PIECE] = {};
#pragma unroll
    for (int d = 0; d < 4; ++d)
        mix[d] = piece_of(s.mix, image * s.mix.image + d * s.mix.direction, pixel, s.width);
    for (int64 channel = 0; channel < s.channels; ++channel) {
        const Piece grad = piece_of(s.grad, image * s.grad.image + channel * s.grad.channel, pixel, s.width);
#pragma unroll
        for (int d = 0; d < 4; ++d) {
            const int64 at = scan_at(s, image, d, channel) + pixel;
            const Piece h = piece_at(s.h, at);
            Piece grad_h;
#pragma unroll
            for (int j = 0; j < PIECE; ++j) {
                const float slope = widen(grad.value[j]);
                grad_mix[d][j] += slope * widen(h.value[j]);
                narrow(slope * widen(mix[d].value[j]), grad_h.value[j]);
            }
            piece_at(s.grad_h, at) = grad_h;
        }
    }
#pragma unroll
    for (int d = 0; d < 4; ++d) {
        Piece out;
#pragma unroll
        for (int j = 0; j < PIECE; ++j) narrow(grad_mix[d][j], out.value[j]);
        piece_at(s.grad_mix, (image * 4 + d) * s.pixels + pixel) = out;
    }
}

#else

KERNEL integrate_backward(const Integrate s) {
    const int64 pieces = s.pixels / PIECE, i = thread_index();
    if (i >= s.images * s.channels * pieces) return;
    const int64 pixel = i % pieces * PIECE, plane = i / pieces;
    const int64 image = plane / s.channels, channel = plane % s.channels;
    const Piece grad = piece_of(s.grad, image * s.grad.image + channel * s.grad.channel, pixel, s.width);
    const Choice from = *reinterpret_cast<const Choice*>(s.from + plane * s.pixels + pixel);
#pragma unroll
    for (int d = 0; d < 4; ++d) {
        Piece part;
#pragma unroll
        for (int j = 0; j < PIECE; ++j) part.value[j] = from.value[j] == d ? grad.value[j] : TYPE{};
        piece_at(s.grad_h, scan_at(s, image, d, channel) + pixel) = part;
    }
}

#endif
