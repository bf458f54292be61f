// Gradients of the windowed match, from similarities computed anew and the score of the forward.
//
// With a the weight of a place and g = a (grad_out . value + offset): grad_query gathers g key over
// the window of a pixel; grad_key and grad_value gather g query and a grad_out over the pixels
// that see a place, found by their centres in order; grad_bias adds g up over pixels. Every sum
// has one owner and a fixed order, so the bits are the same every time.
#include "match.cuh"

/// Also writes `offset`, which the other gradients read.
KERNEL match_grad_query(const Match m) {
    SHARED(memory);
    const Pair pair(m);
    const Stage stage(m, pair, memory);
    float query[PAIR][FEATURES] = {}, grad[PAIR][FEATURES] = {}, grad_out[PAIR][VALUES] = {};
    float score[PAIR] = {}, offset[PAIR] = {};
#pragma unroll
    for (int p = 0; p < PAIR; ++p) {
        if (!pair.inside[p]) continue;
        const int64 pixel = pair.pixel[p];
        float out[VALUES];
        load<FEATURES, FEATURE_WIDE>(m.query + pixel * FEATURES, query[p]);
        load<VALUES, VALUE_WIDE>(m.out + pixel * VALUES, out);
        load<VALUES, VALUE_WIDE>(m.grad_out + pixel * VALUES, grad_out[p]);
        score[p] = m.score[pixel];
        offset[p] = m.grad_score[pixel] - dot(grad_out[p], out);
        m.offset[pixel] = offset[p];
    }
    walk(m, stage, pair, [&](int p, const auto& key, const auto& value, float bias, bool in) {
        if (!in) return;
        const float weight = exponential(dot(query[p], key) + bias - score[p]);
        add(weight * (dot(grad_out[p], value) + offset[p]), key, grad[p]);
    });
#pragma unroll
    for (int p = 0; p < PAIR; ++p)
        if (pair.inside[p]) save<FEATURES, FEATURE_WIDE>(grad[p], m.grad_query + pair.pixel[p] * FEATURES);
}

/// A thread owns a pair of places, one above the other; the pixels of one row of centres are
/// neighbours in `order`. Centres are numbered over the frame and `radius` around it.
KERNEL match_grad_key(const Match m) {
    const int64 across = (m.columns + TILE - 1) / TILE, down = (m.rows + TILE - 1) / TILE;
    const int64 tile = blockIdx.x, image = tile / (across * down);
    const int64 x = tile % across * TILE + threadIdx.x % TILE;
    const int64 y = tile / across % down * TILE + threadIdx.x / TILE * PAIR;
    if (x >= m.columns || y >= m.rows) return;
    const int64 reach = 2 * m.radius, side = reach + 1;
    const int64 wide = m.columns + reach, high = m.rows + reach;
    const int64 place = (image * m.rows + y) * m.columns + x;
    const bool both = y + 1 < m.rows;
    float key[PAIR][FEATURES] = {}, value[PAIR][VALUES] = {};
    float grad_key[PAIR][FEATURES] = {}, grad_value[PAIR][VALUES] = {};
#pragma unroll
    for (int p = 0; p < PAIR; ++p) {
        if (p && !both) continue;
        load<FEATURES, FEATURE_WIDE>(m.key + (place + p * m.columns) * FEATURES, key[p]);
        load<VALUES, VALUE_WIDE>(m.value + (place + p * m.columns) * VALUES, value[p]);
    }
    for (int64 row = y; row <= y + reach + both; ++row) {
        const int64* const start = m.starts + (image * high + row) * wide + x;
        for (int64 i = start[0]; i < start[side]; ++i) {
            const int64 pixel = m.order[i];
            const int64 column = x - m.centre[2 * pixel] + m.radius;
            float query[FEATURES], grad_out[VALUES];
            load<FEATURES, FEATURE_WIDE>(m.query + pixel * FEATURES, query);
            load<VALUES, VALUE_WIDE>(m.grad_out + pixel * VALUES, grad_out);
            const float score = m.score[pixel], offset = m.offset[pixel];
#pragma unroll
            for (int p = 0; p < PAIR; ++p) {
                const int64 line = y + p + reach - row;
                if (line < 0 || line > reach || (p && !both)) continue;
                const float bias = m.bias[line * side + column];
                const float weight = exponential(dot(query, key[p]) + bias - score);
                add(weight, grad_out, grad_value[p]);
                add(weight * (dot(grad_out, value[p]) + offset), query, grad_key[p]);
            }
        }
    }
#pragma unroll
    for (int p = 0; p < PAIR; ++p) {
        if (p && !both) continue;
        save<FEATURES, FEATURE_WIDE>(grad_key[p], m.grad_key + (place + p * m.columns) * FEATURES);
        save<VALUES, VALUE_WIDE>(grad_value[p], m.grad_value + (place + p * m.columns) * VALUES);
    }
}

#ifndef PIXELS
#define PIXELS 64  // of a block of match_grad_bias
#endif

/// A thread owns an offset of the window, a block PIXELS pixels: one row of grad_bias.
KERNEL match_grad_bias(const Match m) {
    const int64 side = 2 * m.radius + 1, pixels = m.height * m.width, total = m.images * pixels;
    const int64 first = static_cast<int64>(blockIdx.x) * PIXELS;
    const int64 last = first + PIXELS < total ? first + PIXELS : total;
    for (int64 d = threadIdx.x; d < side * side; d += blockDim.x) {
        float sum = 0;
        for (int64 pixel = first; pixel < last; ++pixel) {
            const int64 x = m.centre[2 * pixel] - m.radius + d % side;
            const int64 y = m.centre[2 * pixel + 1] - m.radius + d / side;
            if (x < 0 || y < 0 || x >= m.columns || y >= m.rows) continue;
            const int64 place = (pixel / pixels * m.rows + y) * m.columns + x;
            float query[FEATURES], key[FEATURES], value[VALUES], grad_out[VALUES];
            load<FEATURES, FEATURE_WIDE>(m.query + pixel * FEATURES, query);
            load<FEATURES, FEATURE_WIDE>(m.key + place * FEATURES, key);
            load<VALUES, VALUE_WIDE>(m.value + place * VALUES, value);
            load<VALUES, VALUE_WIDE>(m.grad_out + pixel * VALUES, grad_out);
            const float weight = exponential(dot(query, key) + m.bias[d] - m.score[pixel]);
            sum += weight * (dot(grad_out, value) + m.offset[pixel]);
        }
        m.grad_bias[blockIdx.x * side * side + d] = sum;
    }
}
