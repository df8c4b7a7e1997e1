using MambaExt.Blocks;
using MambaExt.Models;
using MambaExt.Tests.Shared;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Tests.Models;

public sealed class LanguageModelTests : TensorTests
{
    internal static readonly MambaLmOptions First = new(2, 21, new MambaOptions(8) { d_state = 4 });
    internal static readonly Mamba2LmOptions Second = new(2, 21, new Mamba2Options(8) { d_state = 4, headdim = 4 });

    /// <summary>mamba-130m, 370m, 790m, 1.4b and 2.8b.</summary>
    [Theory]
    [InlineData(24, 768, 129_135_360)]
    [InlineData(48, 1024, 371_516_416)]
    [InlineData(48, 1536, 793_204_224)]
    [InlineData(48, 2048, 1_372_178_432)]
    [InlineData(64, 2560, 2_768_345_600)]
    public void Mamba_counts_as_published(int layers, int width, long expected) =>
        Assert.Equal(expected, new MambaLmOptions(layers, 50277, new MambaOptions(width)).ParameterCount);

    /// <summary>mamba2-130m, 370m, 780m, 1.3b and 2.7b.</summary>
    [Theory]
    [InlineData(24, 768, 128_989_632)]
    [InlineData(48, 1024, 368_346_624)]
    [InlineData(48, 1536, 780_161_280)]
    [InlineData(48, 2048, 1_343_757_312)]
    [InlineData(64, 2560, 2_702_599_680)]
    public void Mamba2_counts_as_published(int layers, int width, long expected) =>
        Assert.Equal(expected, new Mamba2LmOptions(layers, 50277, new Mamba2Options(width)).ParameterCount);

    public static TheoryData<LmOptions> Every() =>
    [
        First, Second, First with { tie_embeddings = false, mixer = First.mixer with { bias = true, conv_bias = false, dt_rank = 3 } },
        Second with { tie_embeddings = false, mixer = Second.mixer with { bias = true, conv_bias = false, D_has_hdim = true, rmsnorm = false, ngroups = 2 } },
    ];

    [Theory]
    [MemberData(nameof(Every))]
    public void Shapes_from_the_sizes_are_those_of_the_model(LmOptions options)
    {
        using LanguageModel model = Make(options);
        Assert.Equal(
            options.ParameterShapes().Select(p => $"{p.Name} {string.Join(", ", p.Shape)}").Order(), model.named_parameters().Select(p => $"{p.name} {string.Join(", ", p.parameter.shape)}").Order());
        Assert.Equal(model.parameters().Sum(p => p.numel()), options.ParameterCount);
        Assert.Equal(model.named_parameters().Select(p => p.name).Order(), model.state_dict().Keys.Order());
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void Token_by_token_equals_the_whole(LmOptions options)
    {
        using LanguageModel model = Make(options);
        Tensor ids = randint(0, 21, [2, 60], ScalarType.Int64), whole = model.forward(ids).detach();
        using LmCache cache = model.NewCache(2);
        Tensor[] steps = [model.Forward(ids.narrow(1, 0, 20), cache), .. Enumerable.Range(20, 40).Select(t => model.Forward(ids.narrow(1, t, 1), cache))];
        Tensor got = cat(steps, 1);
        Assert.InRange((whole - got).abs().max().item<float>() / whole.abs().max().item<float>(), 0, 1e-5);
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void Weights_begin_as_published(LmOptions options)
    {
        using LanguageModel model = Make(options with { n_layer = 4 });
        Dictionary<string, Tensor> p = model.named_parameters().ToDictionary(x => x.name, x => (Tensor)x.parameter.detach());
        Assert.InRange(p["backbone.embedding.weight"].std().item<float>(), 0.016f, 0.024f);
        float bound = 1 / MathF.Sqrt(16) / 2;
        Assert.InRange(p["backbone.layers.3.mixer.out_proj.weight"].abs().max().item<float>(), 0.8f * bound, bound);
        Assert.All(p.Where(x => x.Key.EndsWith("proj.bias", StringComparison.Ordinal) && !x.Key.EndsWith("dt_proj.bias", StringComparison.Ordinal)), x => TensorAssert.Same(zeros_like(x.Value), x.Value));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Greedy_generation_takes_the_likeliest_token_of_the_whole_prefix(bool second)
    {
        using LanguageModel model = Make(second ? Second : First);
        Tensor prompt = randint(0, 21, [2, 3], ScalarType.Int64), expected = prompt;
        for (int i = 0; i < 12; i++)
        {
            Tensor next = model.forward(expected).select(1, -1).narrow(1, 0, 21).argmax(1);
            expected = cat([expected, next.unsqueeze(1)], 1);
        }

        Tensor got = model.Generate(prompt, new GenerationOptions { max_new_tokens = 12, temperature = 0 });
        TensorAssert.Same(expected, got);
        TensorAssert.Same(got, model.Generate(prompt, new GenerationOptions { max_new_tokens = 12, top_k = 1, seed = 7 }));
    }

    [Fact]
    public void A_seed_decides_what_is_drawn_whatever_the_batch_mates()
    {
        using LanguageModel model = Make(Second);
        Tensor prompt = randint(0, 21, [3, 4], ScalarType.Int64);
        var options = new GenerationOptions { max_new_tokens = 20, seed = 5, top_p = 0.95, temperature = 1.3 };
        Tensor one = model.Generate(prompt, options);
        TensorAssert.Same(one, model.Generate(prompt, options));
        TensorAssert.Same(one.narrow(0, 0, 1), model.Generate(prompt.narrow(0, 0, 1), options));
        Assert.False(one.Equals(model.Generate(prompt, options with { seed = 6 })));
        Assert.True(one.max().item<long>() < 21);
    }

    [Fact]
    public void Generation_ends_with_its_token_and_when_it_is_told()
    {
        using LanguageModel model = Make(First);
        Tensor prompt = tensor(new long[] { 1, 2 }, [1, 2]);
        long first = model.Generate(prompt, new GenerationOptions { max_new_tokens = 1, temperature = 0 })[0, 2].item<long>();
        Assert.Equal([1, 3], model.Generate(prompt, new GenerationOptions { max_new_tokens = 50, temperature = 0, eos_token = first }).shape);
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        TensorAssert.Same(prompt, model.Generate(prompt, new GenerationOptions(), stop.Token));
    }

    [Fact]
    public void What_does_not_fit_is_refused()
    {
        using LanguageModel model = Make(First);
        Refusal.Of<ArgumentException>(() => model.forward(zeros([2, 3])), "Float32", "Int64");
        Refusal.Of<ArgumentException>(() => model.forward(full([1, 2], 21, ScalarType.Int64)), "21", "0 to 20");
        Refusal.Of<ArgumentException>(() => model.Loss(zeros([2, 1], ScalarType.Int64)), "[2, 1]", "2 or more");
        Refusal.Of<ArgumentException>(() => model.Generate(zeros([1, 0], ScalarType.Int64), new GenerationOptions()), "no token");
        Refusal.Of<ArgumentException>(() => model.Generate(zeros([1, 1], ScalarType.Int64), new GenerationOptions { top_p = 0, temperature = -1, eos_token = 30 }), "top_p 0", "temperature -1", "0 to 20");
        using LmCache cache = model.NewCache(2);
        Refusal.Of<ArgumentException>(() => model.Forward(zeros([1, 1], ScalarType.Int64), cache), "2 sequences", "1 sequences");
        Refusal.Of<ArgumentException>(() => new MambaLm(First with { n_layer = 0 }), "n_layer 0");
    }

    internal static LanguageModel Make(LmOptions options) => options is Mamba2LmOptions second ? new Mamba2Lm(second) : new MambaLm((MambaLmOptions)options);
}
