// Sums over blocks and parts behind the backward scan, in an order that the shape fixes.

template <typename T> struct ScanSumRows {
    const typename Wide<T>::type* parts;    // [blocks, rows, width]
    T* target;
    i64 stride, first_row, rows, width, blocks;
};

// dB or dC of the blocks of a group, a thread an element.
template <typename T> __global__ void scan_sum_rows(ScanSumRows<T> a) {
    typedef typename Wide<T>::type R;
    i64 id = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x, elements = a.rows * a.width;
    if (id < elements) {
        R sum = R(0);
        for (i64 block = 0; block < a.blocks; block++) {
            sum += a.parts[block * elements + id];
        }

        store(a.target + (a.first_row + id / a.width) * a.stride + id % a.width, sum);
    }
}

template <typename R> struct ScanSumParameters {
    const R* parts;     // [parts, states, channels]
    R* target;          // [channels, states]
    i64 count, channels, states;
};

// The gradient of a parameter, a thread an element.
template <typename R> __global__ void scan_sum_parameters(ScanSumParameters<R> a) {
    i64 id = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x, elements = a.channels * a.states;
    if (id < elements) {
        R sum = R(0);
        for (i64 part = 0; part < a.count; part++) {
            sum += a.parts[part * elements + id];
        }

        a.target[id % a.channels * a.states + id / a.channels] = sum;
    }
}
