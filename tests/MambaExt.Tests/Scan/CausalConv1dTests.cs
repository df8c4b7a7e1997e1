using MambaExt.Scan;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Scan;

public sealed class CausalConv1dTests : TensorTests
{
    private const double Tight = 1e-11;

    public static TheoryData<int, int, long> Options()
    {
        var data = new TheoryData<int, int, long>();
        long[] lengths = [6, 1, 2, 9, 3];
        for (int bits = 0; bits < 32; bits++)
        {
            data.Add(bits, 2 + bits % 3, lengths[bits % lengths.Length]);
        }

        data.Add(31, 4, 0);
        data.Add(8, 4, 0);
        return data;
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void Apply_equals_plain_torch_in_values_and_gradients(int bits, int width, long length)
    {
        bool silu = (bits & 1) != 0, biased = (bits & 2) != 0, started = (bits & 4) != 0, packed = (bits & 8) != 0, reverse = (bits & 16) != 0;
        Tensor? sequences = packed ? tensor(Enumerable.Range(0, 2 * (int)length).Select(i => i / 2 % 3).ToArray(), [2, length]) : null;
        Tensor?[] given = [Draw(2, length, 5), Draw(5, width), biased ? Draw(5) : null, started ? Draw(2, width - 1, 5) : null];
        Tensor?[] ours = given.Select(t => t is null ? null : Leaf(t)).ToArray(), plain = given.Select(t => t is null ? null : Leaf(t)).ToArray();
        var (y, final) = CausalConv1d.ApplyWithState(ours[0]!, ours[1]!, ours[2], silu, ours[3], sequences, reverse);
        var (plainY, plainFinal) = Plain(plain, sequences, silu, reverse);
        TensorAssert.Close(plainY, y, Tight, "out");
        TensorAssert.Close(plainFinal, final, Tight, "final states");
        Tensor g = randn_like(y), h = randn_like(final);
        ((y * g).sum() + (final * h).sum()).backward();
        ((plainY * g).sum() + (plainFinal * h).sum()).backward();
        for (int i = 0; i < 4; i++)
        {
            if (given[i] is not null)
            {
                TensorAssert.Close(plain[i]!.grad ?? zeros_like(plain[i]!), ours[i]!.grad, Tight, $"gradient {i}");
            }
        }
    }

    [Fact]
    public void Published_weights_with_a_middle_dimension_are_the_same()
    {
        Tensor x = Draw(2, 6, 5), flat = Draw(5, 4).requires_grad_(), published = Leaf(flat.unsqueeze(1));
        Tensor y = CausalConv1d.Apply(x, flat), z = CausalConv1d.Apply(x, published);
        TensorAssert.Same(y, z);
        y.square().sum().backward();
        z.square().sum().backward();
        Assert.Equal([5, 1, 4], published.grad!.shape);
        TensorAssert.Same(flat.grad!.unsqueeze(1), published.grad);
    }

    [Fact]
    public void Halves_transposed_and_expanded_inputs_equal_their_copies()
    {
        Tensor weight = Draw(5, 3), bias = Draw(5);
        foreach (var (source, view) in new (Tensor, Func<Tensor, Tensor>)[]
        {
            (Draw(2, 6, 10), s => s.narrow(2, 5, 5)),
            (Draw(2, 5, 6), s => s.transpose(1, 2)),
            (Draw(6, 2, 5), s => s.transpose(0, 1)),
            (Draw(2, 1, 5), s => s.expand(2, 6, 5)),
            (Draw(1, 6, 5), s => s.expand(2, 6, 5)),
        })
        {
            Tensor a = Leaf(source), b = Leaf(source);
            Tensor y = CausalConv1d.Apply(view(a), weight, bias), expected = CausalConv1d.Apply(view(b).contiguous(), weight, bias);
            TensorAssert.Same(expected, y);
            y.sum().backward();
            expected.sum().backward();
            TensorAssert.Same(b.grad!, a.grad);
        }
    }

    [Fact]
    public void Only_inputs_that_ask_get_a_gradient()
    {
        Tensor[] given = [Draw(2, 6, 5), Draw(5, 4), Draw(5), Draw(2, 3, 5)];
        Tensor sequences = zeros([2, 6], ScalarType.Int32);
        for (int asked = 0; asked < 4; asked++)
        {
            Tensor[] t = given.Select((g, i) => g.detach().clone().requires_grad_(i == asked)).ToArray();
            CausalConv1d.Apply(t[0], t[1], t[2], true, t[3], sequences).sum().backward();
            Assert.All(t.Select((x, i) => (x, i)), p => Assert.Equal(p.i == asked, p.x.grad is not null));
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_output_nobody_used_counts_as_zero(bool useFinal)
    {
        Tensor x = Draw(2, 6, 5).requires_grad_(), twin = Leaf(x), weight = Draw(5, 3);
        Tensor used = Inside(() =>
        {
            var (y, final) = CausalConv1d.ApplyWithState(x, weight);
            return useFinal ? final : y;
        });
        used.square().sum().backward();
        var (plainY, plainFinal) = Plain([twin, weight, null, null], null, true, false);
        (useFinal ? plainFinal : plainY).square().sum().backward();
        TensorAssert.Close(twin.grad!, x.grad, Tight);
    }

    [Fact]
    public void Without_gradients_the_bits_are_the_same()
    {
        Tensor x = randn(2, 70, 37).requires_grad_(), weight = randn(37, 4), bias = randn(37);
        Tensor recorded = CausalConv1d.Apply(x, weight, bias);
        using (no_grad())
        {
            TensorAssert.Same(recorded, CausalConv1d.Apply(x, weight, bias));
        }

        TensorAssert.Same(recorded, CausalConv1d.Apply(x.detach(), weight, bias));
    }

    [Theory]
    [InlineData(ScalarType.BFloat16, 0.02)]
    [InlineData(ScalarType.Float16, 0.003)]
    public void Narrow_types_go_in_and_out(ScalarType type, double tolerance)
    {
        Tensor x = Draw(2, 6, 5).to_type(type).requires_grad_(), weight = Draw(5, 4).to_type(type).requires_grad_(), bias = randn(5).requires_grad_();
        Tensor[] wide = new[] { x, weight, bias }.Select(t => t.detach().to_type(ScalarType.Float32).requires_grad_()).ToArray();
        var (y, final) = CausalConv1d.ApplyWithState(x, weight, bias);
        Tensor expected = CausalConv1d.Apply(wide[0], wide[1], wide[2]);
        Assert.Equal(type, final.dtype);
        TensorAssert.Same(expected.to_type(type), y);
        y.to_type(ScalarType.Float32).sum().backward();
        expected.sum().backward();
        Assert.All(new[] { x, weight, bias }.Zip(wide), p => Assert.Equal(p.First.dtype, p.First.grad!.dtype));
        Assert.All(new[] { x, weight, bias }.Zip(wide), p => TensorAssert.Close(p.Second.grad!, p.First.grad, tolerance));
    }

    [Fact]
    public void Two_pieces_through_the_states_equal_the_whole()
    {
        Tensor x = Draw(2, 9, 5), weight = Draw(5, 4), bias = Draw(5);
        var (whole, end) = CausalConv1d.ApplyWithState(x, weight, bias);
        var (first, between) = CausalConv1d.ApplyWithState(x.narrow(1, 0, 2), weight, bias);
        var (second, last) = CausalConv1d.ApplyWithState(x.narrow(1, 2, 7), weight, bias, initial_states: between);
        TensorAssert.Close(whole, cat([first, second], 1), 1e-13);
        TensorAssert.Same(end, last);
    }

    public static TheoryData<string, string[]> Faults() => new()
    {
        { "x flat", ["x has shape [6, 5]", "[B, L, D]"] },
        { "x integer", ["x is Int64", "float32", "convert"] },
        { "x meta", ["meta", "CPU", "cpu()"] },
        { "weight rows", ["weight has shape [4, 3]", "[5, W]"] },
        { "weight width", ["weight has shape [5, 5]", "2, 3 or 4"] },
        { "weight full", ["weight has shape [5, 2, 3]", "[5, W]"] },
        { "weight type", ["weight is Float32", "Float64", "convert"] },
        { "weight meta", ["weight lies on meta", "cpu", "device"] },
        { "bias", ["bias has shape [1]", "[5]"] },
        { "bias meta", ["bias lies on meta", "device"] },
        { "states", ["initial_states has shape [2, 3, 5]", "[2, 2, 5]"] },
        { "states type", ["initial_states is Float32", "convert"] },
        { "sequences", ["seq_idx has shape [6, 2]", "[2, 6]"] },
        { "sequences type", ["seq_idx is Int64", "Int32", "convert"] },
        { "sequences meta", ["seq_idx lies on meta", "device"] },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_wrong_input_is_named_with_what_is_allowed(string fault, string[] words)
    {
        Tensor x = Draw(2, 6, 5), weight = Draw(5, 3), meta = x.to(META);
        Action call = fault switch
        {
            "x flat" => () => CausalConv1d.Apply(x[0], weight),
            "x integer" => () => CausalConv1d.Apply(x.to_type(ScalarType.Int64), weight),
            "x meta" => () => CausalConv1d.Apply(meta, weight.to(META)),
            "weight rows" => () => CausalConv1d.Apply(x, Draw(4, 3)),
            "weight width" => () => CausalConv1d.Apply(x, Draw(5, 5)),
            "weight full" => () => CausalConv1d.Apply(x, Draw(5, 2, 3)),
            "weight type" => () => CausalConv1d.Apply(x, weight.to_type(ScalarType.Float32)),
            "weight meta" => () => CausalConv1d.Apply(x, weight.to(META)),
            "bias" => () => CausalConv1d.Apply(x, weight, Draw(1)),
            "bias meta" => () => CausalConv1d.Apply(x, weight, Draw(5).to(META)),
            "states" => () => CausalConv1d.Apply(x, weight, initial_states: Draw(2, 3, 5)),
            "states type" => () => CausalConv1d.Apply(x, weight, initial_states: randn(2, 2, 5)),
            "sequences" => () => CausalConv1d.Apply(x, weight, seq_idx: zeros([6, 2], ScalarType.Int32)),
            "sequences type" => () => CausalConv1d.Apply(x, weight, seq_idx: zeros([2, 6], ScalarType.Int64)),
            _ => () => CausalConv1d.Apply(x, weight, seq_idx: zeros([2, 6], ScalarType.Int32).to(META)),
        };
        if (fault == "x meta")
        {
            Refusal.Of<NotSupportedException>(call, words);
        }
        else
        {
            Refusal.Of<ArgumentException>(call, words);
        }
    }

    private static Tensor Inside(Func<Tensor> make)
    {
        using DisposeScope scope = NewDisposeScope();
        return make().MoveToOuterDisposeScope();
    }

    /// <summary>The definition position by position, flipped for reverse.</summary>
    private static (Tensor Out, Tensor Final) Plain(Tensor?[] t, Tensor? sequences, bool silu, bool reverse)
    {
        Tensor x = reverse ? t[0]!.flip(1) : t[0]!, weight = t[1]!;
        Tensor? s = reverse ? sequences?.flip(1) : sequences;
        long batch = x.shape[0], length = x.shape[1], channels = x.shape[2];
        int width = (int)weight.shape[1];
        Tensor padded = cat([t[3] ?? zeros([batch, width - 1, channels], x.dtype), x], 1);
        var rows = new List<Tensor>();
        for (long l = 0; l < length; l++)
        {
            Tensor sum = t[2] is null ? zeros([batch, channels], x.dtype) : t[2]!.expand(batch, channels);
            Tensor same = ones([batch, 1], x.dtype);
            for (int back = 0; back < width; back++)
            {
                long from = l - back;

                // Inputs before the first position belong to the first sequence.
                if (s is not null && back > 0 && from >= 0)
                {
                    same = same * (s.select(1, from) == s.select(1, from + 1)).to_type(x.dtype).unsqueeze(1);
                }

                sum = sum + padded.select(1, l + width - 1 - back) * weight.select(1, width - 1 - back) * same;
            }

            rows.Add(silu ? sum * sigmoid(sum) : sum);
        }

        Tensor y = length == 0 ? zeros([batch, 0, channels], x.dtype) : stack(rows, 1);
        return (reverse ? y.flip(1) : y, padded.narrow(1, length, width - 1));
    }
}
