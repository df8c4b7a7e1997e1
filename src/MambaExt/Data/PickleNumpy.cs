using System.Text;
using MambaExt.Kernels;

namespace MambaExt.Data;

/// <summary>Arrays, dtypes, scalars and sparse matrices: made empty by a call and filled by the state that follows.</summary>
internal sealed class PickleNumpy(PickleInput input)
{
    private int unfilled;

    public NpyArray NewArray()
    {
        input.Charge(128);
        unfilled++;
        return new NpyArray();
    }

    public SparseCsr NewCsr()
    {
        input.Charge(256);
        unfilled++;
        return new SparseCsr();
    }

    public PickleDtype NewDtype(string name)
    {
        input.Charge(40);
        return NpyDtype.TryParse(name, out NpyDtype dtype)
            ? new PickleDtype(dtype)
            : throw input.Bad($"dtype {BadFile.Quote(name)}", NpyDtype.Allowed, "convert the array to one of these types");
    }

    public object Scalar(PickleDtype dtype, object? bytes)
    {
        NpyArray one = NpyLayout.Fill(new NpyArray(), Plain(dtype), [], false, Payload(bytes), input.File, input.Offset);
        input.Charge(256);
        return one.Type switch
        {
            NpyType.Bool => one.ToBools()[0],
            NpyType.Text or NpyType.Bytes => one.ToStrings()[0],
            NpyType.Float16 or NpyType.Float32 or NpyType.Float64 => one.ToDoubles()[0],
            _ => one.ToLongs()[0],
        };
    }

    public void Build(object? target, object? state)
    {
        switch (target, state)
        {
            case (PickleDtype dtype, object?[] { Length: >= 5 and <= 9 } parts) when parts is [long, string order, null, null, null, ..]:
                dtype.Value = dtype.Value with { BigEndian = order == ">" };
                break;
            case (NpyArray { IsFilled: false } array, object?[] parts) when parts is [long, object?[] extents, PickleDtype dtype, bool or long, var content]:
                FillArray(array, Extents(extents), dtype, parts[3] is true or 1L, content);
                unfilled--;
                break;
            case (SparseCsr { IsFilled: false } matrix, Dictionary<object, object?> fields):
                FillCsr(matrix, fields);
                unfilled--;
                break;
            default:
                throw input.Bad($"a state of {state?.GetType().Name ?? "null"} for {target?.GetType().Name ?? "null"}", "the states that numpy and scipy write, once an object");
        }
    }

    public void ThrowIfUnfilled()
    {
        if (unfilled > 0)
        {
            throw input.Bad($"{unfilled} arrays without content", "content for every array");
        }
    }

    private void FillArray(NpyArray array, long[] shape, PickleDtype dtype, bool fortranOrder, object? content)
    {
        if (dtype.Value.Type != NpyType.Object)
        {
            ReadOnlyMemory<byte> payload = Payload(content);
            input.Charge(2L * payload.Length); // room for a transposed and a byte-swapped copy
            NpyLayout.Fill(array, dtype.Value, shape, fortranOrder, payload, input.File, input.Offset);
            return;
        }

        // Objects come as a list in row-major order, whatever the order flag says.
        if (content is not List<object?> objects || shape.Length > NpyLayout.MostDimensions || !NpyLayout.TryBytes(shape, 1, out long count) || count != objects.Count)
        {
            throw input.Bad($"an object array of shape {NpyLayout.Text(shape.AsSpan(0, Math.Min(shape.Length, NpyLayout.MostDimensions)))} with other content", "a list of product(shape) objects");
        }

        input.Charge(8L * objects.Count);
        array.Fill(dtype.Value, shape, default, objects.ToArray(), input.File);
    }

    private void FillCsr(SparseCsr matrix, Dictionary<object, object?> fields)
    {
        object? shape = fields.GetValueOrDefault("_shape") ?? fields.GetValueOrDefault("shape");
        if (fields.GetValueOrDefault("data") is not NpyArray { IsFilled: true } data
            || fields.GetValueOrDefault("indices") is not NpyArray { IsFilled: true } indices
            || fields.GetValueOrDefault("indptr") is not NpyArray { IsFilled: true } indPtr
            || shape is not object?[] extents)
        {
            throw input.Bad("a csr_matrix without data, indices, indptr or shape", "all four, filled before the matrix");
        }

        input.Charge(16 * (indices.Count + indPtr.Count));
        matrix.Fill(data, indices, indPtr, Extents(extents), input.File, input.Offset);
    }

    private NpyDtype Plain(PickleDtype dtype) => dtype.Value.Type != NpyType.Object
        ? dtype.Value
        : throw input.Bad("a scalar of dtype O", "numbers, bools and texts");

    private long[] Extents(object?[] extents)
    {
        input.Charge(24 + (8L * extents.Length));
        return Array.ConvertAll(extents, extent => extent is long number
            ? number
            : throw input.Bad($"a shape with a {extent?.GetType().Name ?? "null"} in it", "whole numbers"));
    }

    /// <summary>Raw bytes, which Python 2 pickled as a string.</summary>
    private ReadOnlyMemory<byte> Payload(object? content)
    {
        switch (content)
        {
            case byte[] bytes:
                return bytes;
            case string text when text.AsSpan().IndexOfAnyExceptInRange('\0', '\u00FF') < 0:
                input.Charge(text.Length + 32);
                return Encoding.Latin1.GetBytes(text);
            default:
                throw input.Bad($"array content that is a {content?.GetType().Name ?? "null"}", "bytes");
        }
    }
}
