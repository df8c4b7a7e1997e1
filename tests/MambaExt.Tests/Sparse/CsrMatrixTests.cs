using MambaExt.Sparse;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Sparse;

public sealed class CsrMatrixTests : TensorTests
{
    // Rows 1 and 4 are empty, column 3 is never named, one entry comes twice.
    private static readonly long[] Offsets = [0, 3, 3, 4, 7, 7];
    private static readonly int[] Indices = [0, 2, 2, 1, 4, 0, 1];
    private static readonly float[] Values = [1, -2, 0.5f, 3, 0, 4, 0.25f];

    public static TheoryData<string, ScalarType, double> Kinds()
    {
        var data = new TheoryData<string, ScalarType, double>();
        foreach (string kind in new[] { "multiply", "sum", "weighted", "gated" })
        {
            data.Add(kind, ScalarType.Float64, 1e-13);
            data.Add(kind, ScalarType.Float32, 1e-5);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_sum_equals_the_dense_product_in_values_and_gradients(string kind, ScalarType type, double tolerance)
    {
        using var matrix = new CsrMatrix(5, Offsets, Indices, Values);
        Tensor x = Draw(5, 3).to_type(type).requires_grad_();
        Tensor factor = (kind == "gated" ? Draw(7, 3) : Draw(7)).to_type(type).requires_grad_();
        Tensor denseX = Leaf(x.to_type(ScalarType.Float64)), denseFactor = Leaf(factor.to_type(ScalarType.Float64));
        Tensor y = Ours(matrix, kind, x, factor), expected = Dense(kind, denseX, denseFactor);
        Assert.Equal(type, y.dtype);
        TensorAssert.Close(expected, y, tolerance);
        Tensor g = randn_like(expected);
        (y * g.to_type(type)).sum().backward();
        (expected * g).sum().backward();
        TensorAssert.Close(denseX.grad!, x.grad, tolerance, "gradient of x");
        if (kind is "weighted" or "gated")
        {
            TensorAssert.Close(denseFactor.grad!, factor.grad, tolerance, "gradient of the factor");
        }
    }

    [Theory]
    [InlineData("multiply")]
    [InlineData("weighted")]
    [InlineData("gated")]
    public void Only_inputs_that_ask_get_a_gradient(string kind)
    {
        using var matrix = new CsrMatrix(5, Offsets, Indices, Values);
        foreach (bool askX in new[] { true, false })
        {
            Tensor x = Draw(5, 3).requires_grad_(askX), factor = (kind == "gated" ? Draw(7, 3) : Draw(7)).requires_grad_(!askX);
            Tensor y = Ours(matrix, kind, x, factor);
            if (!askX && kind == "multiply")
            {
                Assert.False(y.requires_grad);
                continue;
            }

            y.sum().backward();
            Assert.Equal((askX, !askX), (x.grad is not null, factor.grad is not null));
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(3, 4)]
    [InlineData(0, 4)]
    [InlineData(3, 0)]
    public void A_matrix_without_entries_sums_to_zero(int rows, int columns)
    {
        using var matrix = new CsrMatrix(columns, new long[rows + 1], []);
        Tensor x = Draw(columns, 2).requires_grad_(), weights = Draw(0).requires_grad_(), gates = Draw(0, 2).requires_grad_();
        foreach (Tensor y in new[] { matrix.Multiply(x), matrix.Sum(x), matrix.WeightedSum(x, weights), matrix.GatedSum(x, gates) })
        {
            TensorAssert.Same(zeros([rows, 2], ScalarType.Float64), y.detach());
            y.sum().backward();
            TensorAssert.Same(zeros_like(x), x.grad);
        }

        Assert.Equal([0], weights.grad!.shape);
    }

    [Fact]
    public void Views_give_the_same_as_their_copies()
    {
        using var matrix = new CsrMatrix(5, Offsets, Indices, Values);
        Tensor x = Draw(3, 5).requires_grad_(), twin = Leaf(x), gates = Draw(7, 6).requires_grad_(), gatesTwin = Leaf(gates);
        Tensor y = matrix.GatedSum(x.t(), gates.narrow(1, 2, 3)), expected = matrix.GatedSum(twin.t().contiguous(), gatesTwin.narrow(1, 2, 3).contiguous());
        TensorAssert.Same(expected, y);
        y.sum().backward();                                         // an expanded gradient
        (expected * 1).sum().backward();
        TensorAssert.Same(twin.grad!, x.grad);
        TensorAssert.Same(gatesTwin.grad!, gates.grad);
    }

    [Fact]
    public void Without_gradients_the_bits_are_the_same()
    {
        using var matrix = new CsrMatrix(5, Offsets, Indices, Values);
        Tensor x = Draw(5, 3).requires_grad_();
        Tensor recorded = matrix.Multiply(x);
        using (no_grad())
        {
            TensorAssert.Same(recorded, matrix.Multiply(x));
        }
    }

    [Fact]
    public void Arrays_that_do_not_fit_are_refused()
    {
        Refusal.Of<ArgumentException>(() => new CsrMatrix(3, [], []), "0 offsets", "R + 1");
        Refusal.Of<ArgumentException>(() => new CsrMatrix(3, [0, 1], [0, 1]), "2 indices", "ending");
        Refusal.Of<ArgumentException>(() => new CsrMatrix(3, [0, 1], [0], [1, 2]), "2 values");
        Refusal.Of<ArgumentException>(() => new CsrMatrix(3, [0, 2, 1, 2], [0, 1]), "Offset 2", "ascend");
        Refusal.Of<ArgumentException>(() => new CsrMatrix(3, [1, 2], [0, 1]), "begin with 0");
        Refusal.Of<ArgumentException>(() => new CsrMatrix(3, [0, 1], [3]), "column 3", "0 to 2");
        Refusal.Of<ArgumentException>(() => new CsrMatrix(-1, [0], []), "-1");
    }

    [Fact]
    public void Wrong_tensors_are_named_with_what_is_allowed()
    {
        using var matrix = new CsrMatrix(5, Offsets, Indices, Values);
        Tensor x = Draw(5, 3);
        Refusal.Of<ArgumentException>(() => matrix.Multiply(Draw(4, 3)), "[4, 3]", "5 x 5", "[5, C]");
        Refusal.Of<ArgumentException>(() => matrix.Multiply(Draw(5)), "[5]", "[5, C]");
        Refusal.Of<ArgumentException>(() => matrix.Sum(Draw(5, 0)), "[5, 0]", "at least one channel");
        Refusal.Of<ArgumentException>(() => matrix.Sum(x.to_type(ScalarType.BFloat16)), "BFloat16", "float32", "convert");
        Refusal.Of<NotSupportedException>(() => matrix.Sum(x.to(META)), "meta", "CPU");
        Refusal.Of<ArgumentException>(() => matrix.WeightedSum(x, Draw(6)), "weights", "[6]", "[7]");
        Refusal.Of<ArgumentException>(() => matrix.WeightedSum(x, randn(7)), "Float32", "Float64");
        Refusal.Of<ArgumentException>(() => matrix.GatedSum(x, Draw(7)), "gates", "[7, 3]");
        Refusal.Of<ArgumentException>(() => matrix.GatedSum(x, Draw(7, 3).to(META)), "meta", "device");
    }

    private static Tensor Ours(CsrMatrix matrix, string kind, Tensor x, Tensor factor) => kind switch
    {
        "multiply" => matrix.Multiply(x),
        "sum" => matrix.Sum(x),
        "weighted" => matrix.WeightedSum(x, factor),
        _ => matrix.GatedSum(x, factor),
    };

    /// <summary>A dense [R, M] matrix of each entry times what it weighs.</summary>
    private static Tensor Dense(string kind, Tensor x, Tensor factor)
    {
        Tensor y = zeros([5, 3], ScalarType.Float64);
        for (int row = 0; row < 5; row++)
        {
            for (long e = Offsets[row]; e < Offsets[row + 1]; e++)
            {
                Tensor place = zeros([5, 5], ScalarType.Float64);
                place[row, Indices[e]] = 1;
                Tensor part = place.matmul(x);
                y = y + (kind switch { "multiply" => part * Values[e], "sum" => part, _ => part * factor[e] });
            }
        }

        return y;
    }
}
