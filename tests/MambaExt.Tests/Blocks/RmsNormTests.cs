using MambaExt.Blocks;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Blocks;

public sealed class RmsNormTests : TensorTests
{
    [Fact]
    public void It_follows_the_formula_with_gradients()
    {
        using RmsNorm norm = Norm(6, 1e-3, out Tensor weight);
        Tensor x = Draw(2, 3, 6).requires_grad_(), twin = Leaf(x), twinWeight = Leaf(weight), g = Draw(2, 3, 6);
        Tensor y = norm.forward(x), expected = twin / sqrt((twin * twin).sum(-1, keepdim: true) / 6 + 1e-3) * twinWeight;
        TensorAssert.Close(expected, y, 1e-13);
        (y * g).sum().backward();
        (expected * g).sum().backward();
        TensorAssert.Close(twin.grad!, x.grad, 1e-12);
        TensorAssert.Close(twinWeight.grad!, weight.grad, 1e-12);
    }

    [Fact]
    public void Its_gradient_agrees_with_central_differences()
    {
        using RmsNorm norm = Norm(4, 1e-5, out _);
        Tensor x = Draw(4).requires_grad_(), g = Draw(4);
        (norm.forward(x) * g).sum().backward();
        for (int i = 0; i < 4; i++)
        {
            Tensor step = zeros(4, ScalarType.Float64);
            step[i] = 1e-6;
            double difference = ((norm.forward(x.detach() + step) - norm.forward(x.detach() - step)) * g).sum().item<double>() / 2e-6;
            Assert.Equal(difference, x.grad![i].item<double>(), 1e-8);
        }
    }

    [Fact]
    public void A_row_of_zeros_stays_zero()
    {
        using var norm = new RmsNorm(3);
        Tensor x = zeros(2, 3).requires_grad_();
        norm.forward(x).sum().backward();
        TensorAssert.Same(zeros(2, 3), norm.forward(x).detach());
        TensorAssert.Finite(x.grad);
    }

    [Theory]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float16)]
    public void Narrow_types_are_computed_in_float32_and_returned_as_given(ScalarType type)
    {
        using var norm = new RmsNorm(6);
        Tensor x = (Draw(2, 6) * 300).to_type(type), wide = norm.forward(x.to_type(ScalarType.Float32));
        TensorAssert.Same(wide.to_type(type), norm.forward(x));
        norm.to(type);
        TensorAssert.Same(wide.to_type(type), norm.forward(x));
    }

    [Fact]
    public void Wrong_sizes_are_refused()
    {
        Refusal.Of<ArgumentException>(() => new RmsNorm(0), "d_model 0", "1 or more");
        Refusal.Of<ArgumentException>(() => new RmsNorm(4, -1), "eps -1", "not negative");
        Refusal.Of<ArgumentException>(() => new RmsNorm(4, double.NaN), "eps NaN", "finite");
        using var norm = new RmsNorm(4);
        Refusal.Of<ArgumentException>(() => norm.forward(randn(2, 1)), "[2, 1]", "[..., 4]");
        Refusal.Of<ArgumentException>(() => norm.forward(zeros([2, 4], ScalarType.Int64)), "Int64", "floating-point");
    }

    private static RmsNorm Norm(int size, double eps, out Tensor weight)
    {
        var norm = new RmsNorm(size, eps);
        norm.to(ScalarType.Float64);
        weight = norm.parameters().Single();
        using (no_grad())
        {
            weight.copy_(Draw(size));
        }

        return norm;
    }
}
