// Results of rows, a lane a channel, by what is done along a row. A Body is made for a row and a channel and has COUNT running results:
// begin() sets them, over() takes arcs in, join() those of a later piece, finish() writes what the row gets. An array of pieces is
// [slots, COUNT, C].

template <typename Body, typename A> __device__ __forceinline__ void csr_pieces_of(const A& a) {
    typedef typename Body::R R;
    i64 block = blockIdx.x;
    int lanes = a.lanes, group = threadIdx.x / lanes;
    i64 channel = block % a.column_blocks * lanes + (threadIdx.x - group * lanes);
    i64 slot = block / a.column_blocks * (blockDim.x / lanes) + group, row, begin, end;
    if (channel >= a.channels || !csr_piece(a, slot, row, begin, end)) return;

    Body body(a, row, channel);
    R results[Body::COUNT];
    body.begin(results);
    body.over(begin, end, results);
    #pragma unroll
    for (int k = 0; k < Body::COUNT; k++) a.pieces[(slot * Body::COUNT + k) * a.channels + channel] = results[k];
}

template <typename Body, typename A> __device__ __forceinline__ void csr_rows_of(const A& a) {
    typedef typename Body::R R;
    i64 block = blockIdx.x;
    int lanes = a.lanes, group = threadIdx.x / lanes;
    i64 channel = block % a.column_blocks * lanes + (threadIdx.x - group * lanes);
    i64 row = block / a.column_blocks * (blockDim.x / lanes) + group;
    if (channel >= a.channels || row >= a.rows) return;

    i64 first = a.offsets[row], end = a.offsets[row + 1];
    Body body(a, row, channel);
    R results[Body::COUNT];
    body.begin(results);
    if (end - first <= PieceArcs) {
        body.over(first, end, results);
    } else {
        for (i64 piece = first; piece < end; piece += PieceArcs) {
            R one[Body::COUNT];
            #pragma unroll
            for (int k = 0; k < Body::COUNT; k++) one[k] = a.pieces[(csr_slot(first, piece) * Body::COUNT + k) * a.channels + channel];
            body.join(results, one);
        }
    }
    body.finish(results);
}
