using MambaExt.Native;
using MambaExt.Sparse;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Sparse;

/// <summary>Operators on the entries of a sparse matrix against the same from dense torch operations.</summary>
public sealed class CsrArcTests : TensorTests
{
    // Rows 1 and 4 are empty, column 3 is never named, one entry comes twice.
    private static readonly long[] Offsets = [0, 3, 3, 4, 7, 7];
    private static readonly long[] Rows = [0, 0, 0, 2, 3, 3, 3];
    private static readonly int[] Columns = [0, 2, 2, 1, 4, 0, 1];

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Arc_sums_gather_rows_and_columns(bool hasTarget, bool hasSource)
    {
        Check(
            [Draw(5, 3), Draw(5, 3)],
            (matrix, t) => matrix.ArcSum(hasTarget ? t[0] : null, hasSource ? t[1] : null),
            t => (hasTarget ? t[0].index_select(0, tensor(Rows)) : zeros([7, 3], ScalarType.Float64)) + (hasSource ? t[1].index_select(0, Gathered()) : 0));
    }

    [Fact]
    public void Row_sums_add_entries() =>
        Check([Draw(7, 3)], (matrix, t) => matrix.RowSum(t[0]), t => zeros([5, 3], ScalarType.Float64).index_add(0, tensor(Rows), t[0], 1));

    [Fact]
    public void Softmax_is_taken_row_by_row() => Check(
        [Draw(7, 3)],
        (matrix, t) => matrix.RowSoftmax(t[0]),
        t => cat([t[0].narrow(0, 0, 3).softmax(0), t[0].narrow(0, 3, 1).softmax(0), t[0].narrow(0, 4, 3).softmax(0)], 0));

    [Fact]
    public void Heads_weigh_their_channels() => Check(
        [Draw(5, 6), Draw(7, 2)],
        (matrix, t) => matrix.WeightedSum(t[0], t[1]),
        t => zeros([5, 6], ScalarType.Float64).index_add(0, tensor(Rows), t[0].index_select(0, Gathered()) * t[1].repeat_interleave(3, 1), 1));

    [Fact]
    public void The_gated_mean_is_that_of_gated_gcn() => Check(
        [Draw(5, 3), Draw(5, 3), Draw(5, 3)],
        (matrix, t) => matrix.GatedMean(t[0], t[1], t[2]),
        t =>
        {
            Tensor gate = (t[0].index_select(0, tensor(Rows)) + t[1].index_select(0, Gathered())).sigmoid(), none = zeros([5, 3], ScalarType.Float64);
            return none.index_add(0, tensor(Rows), gate * t[2].index_select(0, Gathered()), 1) / (none.index_add(0, tensor(Rows), gate, 1) + 1e-6);
        });

    [Fact]
    public void A_second_derivative_is_refused_by_name()
    {
        using var matrix = new CsrMatrix(5, Offsets, Columns);
        Tensor values = Draw(7, 2).requires_grad_();
        autograd.grad([matrix.RowSoftmax(values).square().sum()], [values], create_graph: true);
        Assert.Contains("no second derivative", Assert.Throws<NotSupportedException>(BackwardGuard.ThrowPending).Message);
    }

    [Fact]
    public void Wrong_tensors_are_named_with_what_is_allowed()
    {
        using var matrix = new CsrMatrix(5, Offsets, Columns);
        Refusal.Of<ArgumentException>(() => matrix.ArcSum(null, null), "target", "source");
        Refusal.Of<ArgumentException>(() => matrix.ArcSum(Draw(4, 3), null), "[4, 3]", "[5, C]");
        Refusal.Of<ArgumentException>(() => matrix.ArcSum(Draw(5, 3), Draw(5, 2)), "3 channels", "2");
        Refusal.Of<ArgumentException>(() => matrix.RowSum(Draw(5, 3)), "[5, 3]", "[7, C]");
        Refusal.Of<ArgumentException>(() => matrix.RowSoftmax(Draw(7, 3).to_type(ScalarType.BFloat16)), "BFloat16", "on a GPU bfloat16");
        Refusal.Of<ArgumentException>(() => matrix.WeightedSum(Draw(5, 6), Draw(7, 4)), "[7, 4]", "[7]");
        Refusal.Of<ArgumentException>(() => matrix.GatedMean(Draw(5, 3), Draw(5, 3), Draw(5, 2)), "2 channels", "same");
    }

    private static Tensor Gathered() => tensor(Columns.Select(c => (long)c).ToArray());

    private static void Check(Tensor[] inputs, Func<CsrMatrix, Tensor[], Tensor> ours, Func<Tensor[], Tensor> dense)
    {
        using var matrix = new CsrMatrix(5, Offsets, Columns);
        foreach (var (type, tolerance) in new[] { (ScalarType.Float64, 1e-12), (ScalarType.Float32, 1e-5) })
        {
            Tensor[] given = [.. inputs.Select(t => t.to_type(type).detach().clone().requires_grad_())], wide = [.. inputs.Select(Leaf)];
            Tensor y = ours(matrix, given), expected = dense(wide), g = randn_like(expected);
            Assert.Equal(type, y.dtype);
            TensorAssert.Close(expected, y, tolerance);
            (y * g.to_type(type)).sum().backward();
            (expected * g).sum().backward();
            foreach (var (own, wanted) in given.Zip(wide).Where(pair => pair.Second.grad is not null))
            {
                TensorAssert.Close(wanted.grad!, own.grad, tolerance, "gradient");
            }
        }
    }
}
