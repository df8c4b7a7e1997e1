using MambaExt.Kernels.Cpu;

namespace MambaExt.Kernels;

/// <summary>
/// A small Mamba classifier for inference on the CPU in float32, all of it in one call: for a model of a few thousand operations the calls of a
/// tensor library cost more than the arithmetic.
/// <code>
/// x = tokens embed^T + position;   x += sum over directions of block(norm(x))  for each layer
/// feature = mean over tokens of norm(x);   logits = [feature, extra] head^T + bias
/// </code>
/// Samples do not meet: a sample has the same bits in any batch and on any number of threads.
/// </summary>
public sealed unsafe class MambaStack : IDisposable
{
    // Rows that are worked on together: they stay in the second-level cache.
    private const int RowsAtOnce = 192;

    private readonly Workspace _memory = new();
    private readonly MambaStackShape _shape;
    private readonly PackedMatrix _embed, _head;
    private readonly float* _start, _norm, _bias;
    private readonly MambaStackBlock[] _blocks;
    private readonly nint[] _norms;

    /// <summary>All weights zero until they are loaded.</summary>
    public MambaStack(MambaStackShape shape)
    {
        shape.Validate();
        _shape = shape;
        _embed = new PackedMatrix(shape.Values, shape.Width, _memory);
        _head = new PackedMatrix(shape.Width + shape.Extra, shape.Classes, _memory);
        _start = _memory.Allocate<float>((long)shape.Tokens * _embed.Stride, zeroed: true);
        _norm = _memory.Allocate<float>(_embed.Stride, zeroed: true);
        _bias = _memory.Allocate<float>(_head.Stride, zeroed: true);
        _blocks = [.. Enumerable.Range(0, shape.Layers * shape.Directions).Select(i => new MambaStackBlock(shape, reverse: i % shape.Directions == 1, _memory))];
        _norms = [.. Enumerable.Range(0, shape.Layers).Select(_ => (nint)_memory.Allocate<float>(_embed.Stride, zeroed: true))];
    }

    /// <summary>Embedding weight [D, P], its bias [D] and positions [L, D].</summary>
    public void LoadEmbedding(ReadOnlySpan<float> weight, ReadOnlySpan<float> bias, ReadOnlySpan<float> position)
    {
        Require(bias, _shape.Width, "bias");
        Require(position, _shape.Tokens * _shape.Width, "position");
        _embed.Load(weight);
        for (int token = 0; token < _shape.Tokens; token++)
        {
            for (int d = 0; d < _shape.Width; d++)
            {
                _start[(token * _embed.Stride) + d] = bias[d] + position[(token * _shape.Width) + d];
            }
        }
    }

    /// <summary>Weight [D] of the norm before a layer; of the last norm where <paramref name="layer"/> is the number of layers.</summary>
    public void LoadNorm(int layer, ReadOnlySpan<float> weight)
    {
        Require(weight, _shape.Width, "norm");
        weight.CopyTo(new Span<float>(layer == _shape.Layers ? _norm : (float*)_norms[layer], _shape.Width));
    }

    /// <summary>Weights of a Mamba block by their published names.</summary>
    /// <param name="layer">From 0</param>
    /// <param name="direction">0, or 1 for the reversed one</param>
    /// <param name="weight">in_proj.weight, conv1d.weight, conv1d.bias, x_proj.weight, dt_proj.weight, dt_proj.bias, A_log, D, out_proj.weight</param>
    public void LoadBlock(int layer, int direction, Func<string, float[]> weight) => _blocks[(layer * _shape.Directions) + direction].Load(weight);

    /// <summary>Head weight [K, D + Extra] and bias [K].</summary>
    public void LoadHead(ReadOnlySpan<float> weight, ReadOnlySpan<float> bias)
    {
        Require(bias, _shape.Classes, "head bias");
        _head.Load(weight);
        bias.CopyTo(new Span<float>(_bias, _shape.Classes));
    }

    /// <summary>Runs a batch.</summary>
    /// <param name="tokens">[B, L, P]</param>
    /// <param name="extra">[B, Extra]; null where there is none</param>
    /// <param name="batch">B, 0 or more</param>
    /// <param name="feature">[B, D], overwritten</param>
    /// <param name="logits">[B, K], overwritten</param>
    /// <param name="options">Threads and vector width</param>
    public void Run(float* tokens, float* extra, int batch, float* feature, float* logits, KernelOptions options)
    {
        options.Validate();
        if (_shape.Extra > 0)
        {
            KernelArgument.RequirePointer(extra, nameof(extra), $"[B, {_shape.Extra}]");
        }

        int piece = Math.Max(1, RowsAtOnce / _shape.Tokens), pieces = (batch + piece - 1) / piece;
        KernelParallel.For(pieces, options.Threads, (p, _) =>
        {
            int first = p * piece, count = Math.Min(piece, batch - first);
            float* x = tokens + ((long)first * _shape.Tokens * _shape.Values), e = extra == null ? null : extra + ((long)first * _shape.Extra);
            float* h = feature + ((long)first * _shape.Width), z = logits + ((long)first * _shape.Classes);
            switch (options.VectorBits)
            {
                case 128: Piece<V128<float>>(x, e, count, h, z, options.VectorBits); break;
                case 256: Piece<V256<float>>(x, e, count, h, z, options.VectorBits); break;
                default: Piece<V512<float>>(x, e, count, h, z, options.VectorBits); break;
            }
        });
    }

    /// <inheritdoc/>
    public void Dispose() => _memory.Dispose();

    private void Piece<V>(float* tokens, float* extra, int batch, float* feature, float* logits, int bits)
        where V : unmanaged, IVector<V, float>
    {
        using var scratch = new Workspace();
        int rows = batch * _shape.Tokens, tiles = Tiles(rows), stride = _embed.Stride, width = _shape.Width;

        // The last tile reads whole rows, and so must what is multiplied.
        float* input = tokens;
        if (tiles != rows)
        {
            input = scratch.Allocate<float>((long)tiles * _shape.Values, zeroed: true);
            Buffer.MemoryCopy(tokens, input, (long)rows * _shape.Values * sizeof(float), (long)rows * _shape.Values * sizeof(float));
        }

        float* x = scratch.Allocate<float>((long)tiles * stride, zeroed: true), normed = scratch.Allocate<float>((long)tiles * stride, zeroed: true);
        for (int b = 0; b < batch; b++)
        {
            new ReadOnlySpan<float>(_start, _shape.Tokens * stride).CopyTo(new Span<float>(x + ((long)b * _shape.Tokens * stride), _shape.Tokens * stride));
        }

        _embed.Multiply<V>(input, _shape.Values, tiles, x, 1);
        var work = new MambaStackScratch(_shape, tiles, scratch);
        for (int layer = 0; layer < _shape.Layers; layer++)
        {
            Norm<V>(x, (float*)_norms[layer], rows, stride, width, normed);
            for (int direction = 0; direction < _shape.Directions; direction++)
            {
                _blocks[(layer * _shape.Directions) + direction].Add<V>(normed, stride, batch, tiles, work, x, bits);
            }
        }

        Norm<V>(x, _norm, rows, stride, width, normed);
        Answer<V>(normed, stride, batch, extra, feature, logits, scratch);
    }

    private void Answer<V>(float* normed, int stride, int batch, float* extra, float* feature, float* logits, Workspace scratch)
        where V : unmanaged, IVector<V, float>
    {
        int width = _shape.Width, read = width + _shape.Extra, tiles = Tiles(batch), classes = _shape.Classes;
        float* input = scratch.Allocate<float>((long)tiles * read, zeroed: true), result = scratch.Allocate<float>((long)tiles * _head.Stride, zeroed: true);
        for (int b = 0; b < batch; b++)
        {
            float* own = input + ((long)b * read);
            for (int token = 0; token < _shape.Tokens; token++)
            {
                float* row = normed + (((long)b * _shape.Tokens) + token) * stride;
                for (int d = 0; d < width; d++)
                {
                    own[d] += row[d];
                }
            }

            for (int d = 0; d < width; d++)
            {
                feature[((long)b * width) + d] = own[d] /= _shape.Tokens;
            }

            for (int d = 0; d < _shape.Extra; d++)
            {
                own[width + d] = extra[((long)b * _shape.Extra) + d];
            }

            new ReadOnlySpan<float>(_bias, _head.Stride).CopyTo(new Span<float>(result + ((long)b * _head.Stride), _head.Stride));
        }

        _head.Multiply<V>(input, read, tiles, result, 1);
        for (int b = 0; b < batch; b++)
        {
            new ReadOnlySpan<float>(result + ((long)b * _head.Stride), classes).CopyTo(new Span<float>(logits + ((long)b * classes), classes));
        }
    }

    /// <summary>y = x / sqrt(mean(x^2) + eps) * weight; what fills rows up stays zero.</summary>
    private void Norm<V>(float* x, float* weight, int rows, int stride, int width, float* y)
        where V : unmanaged, IVector<V, float>
    {
        for (int r = 0; r < rows; r++)
        {
            float* row = x + ((long)r * stride), to = y + ((long)r * stride);
            V sum = V.Zero;
            for (int d = 0; d < stride; d += V.Count)
            {
                V value = V.Load(row + d);
                sum = V.MultiplyAdd(value, value, sum);
            }

            V scale = V.Broadcast(1 / MathF.Sqrt((V.Sum(sum) / width) + _shape.Eps));
            for (int d = 0; d < stride; d += V.Count)
            {
                (V.Load(row + d) * scale * V.Load(weight + d)).Store(to + d);
            }
        }
    }

    internal static int Tiles(int rows) => (rows + MatrixTile<V128<float>, float>.Rows - 1) / MatrixTile<V128<float>, float>.Rows * MatrixTile<V128<float>, float>.Rows;

    private static void Require(ReadOnlySpan<float> values, int count, string name)
    {
        if (values.Length != count)
        {
            throw new ArgumentException($"{name} has {values.Length} values, expected {count}; give the weights of a model of this shape.");
        }
    }
}
