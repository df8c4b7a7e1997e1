using MambaExt.Models;

namespace MambaExt.Tests.Models;

public sealed class TokenSamplerTests
{
    private static readonly float[] Logits = [.. new[] { 0.1, 0.4, 0.2, 0.3 }.Select(p => (float)Math.Log(p))];

    [Fact]
    public void Tokens_are_drawn_as_often_as_they_are_likely() => Frequencies(new GenerationOptions { seed = 3 }, 0.1, 0.4, 0.2, 0.3);

    [Fact]
    public void Temperature_sharpens() => Frequencies(new GenerationOptions { seed = 4, temperature = 0.5 }, 1 / 30.0, 16 / 30.0, 4 / 30.0, 9 / 30.0);

    [Fact]
    public void Top_k_keeps_the_likeliest() => Frequencies(new GenerationOptions { seed = 5, top_k = 2 }, 0, 4 / 7.0, 0, 3 / 7.0);

    [Fact]
    public void Top_p_keeps_the_fewest_that_have_it() => Frequencies(new GenerationOptions { seed = 6, top_p = 0.75 }, 0, 4 / 9.0, 2 / 9.0, 3 / 9.0);

    [Fact]
    public void A_small_top_p_keeps_one_and_of_equal_ones_the_first()
    {
        for (int step = 0; step < 50; step++)
        {
            Assert.Equal(1, TokenSampler.Choose(Logits, new GenerationOptions { top_p = 0.01 }, 0, step));
            Assert.Equal(2, TokenSampler.Choose([1, 1, 3, 3], new GenerationOptions { temperature = 0 }, 0, step));
        }
    }

    [Fact]
    public void A_logit_that_is_no_number_is_refused() =>
        Assert.Contains("token 1", Assert.Throws<InvalidOperationException>(() => TokenSampler.Choose([0, float.NaN], new GenerationOptions(), 0, 0)).Message, StringComparison.Ordinal);

    private static void Frequencies(GenerationOptions options, params double[] expected)
    {
        const int Draws = 20_000;
        int[] counts = new int[4];
        for (int i = 0; i < Draws; i++)
        {
            counts[TokenSampler.Choose(Logits, options, i % 10, i / 10)]++;
        }

        // Five standard deviations.
        Assert.All(expected.Zip(counts), p => Assert.InRange(p.Second / (double)Draws, p.First - 5 * Math.Sqrt(p.First / Draws), p.First + 5 * Math.Sqrt(p.First / Draws)));
    }
}
