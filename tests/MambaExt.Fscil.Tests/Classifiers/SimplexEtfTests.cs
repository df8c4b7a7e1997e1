using MambaExt.Fscil.Classifiers;
using MambaExt.Tests.Shared;
using static TorchSharp.torch;

namespace MambaExt.Fscil.Tests.Classifiers;

public sealed class SimplexEtfTests : TensorTests
{
    [Theory]
    [InlineData(2, 2)]
    [InlineData(7, 5)]
    [InlineData(64, 64)]
    [InlineData(512, 100)]
    public void Columns_have_norm_1_and_the_same_cosine(int width, int classes)
    {
        using var etf = new SimplexEtf(width, classes);
        Tensor m = etf.Columns.to_type(ScalarType.Float64), gram = m.t().matmul(m);
        Tensor expected = (eye(classes, dtype: ScalarType.Float64) * (1 + (1.0 / (classes - 1)))) - (1.0 / (classes - 1));
        TensorAssert.Close(expected, gram, 1e-6);
        Assert.Equal([width, classes], etf.Columns.shape);
        Assert.DoesNotContain(etf.parameters(), p => p.requires_grad);
        Assert.Equal("etf", Assert.Single(etf.named_buffers()).name);
    }

    [Fact]
    public void A_column_scores_1_for_its_class_and_the_least_for_all_others()
    {
        using var etf = new SimplexEtf(16, 10);
        Tensor scores = etf.forward(etf.Of(tensor(new[] { 3L, 7L })) * 5);
        Assert.Equal(1, scores[0, 3].item<float>(), 1e-5);
        Assert.Equal(-1 / 9f, scores[0, 7].item<float>(), 1e-5);
        Assert.Equal([3L, 7L], scores.argmax(1).data<long>().ToArray());
    }

    [Theory]
    [InlineData(99, 100)]
    [InlineData(8, 1)]
    public void Fewer_dimensions_than_classes_are_refused(int width, int classes) =>
        Refusal.Of<ArgumentException>(() => new SimplexEtf(width, classes), $"{classes} classes", $"{width} dimensions", "as many dimensions as classes");
}
