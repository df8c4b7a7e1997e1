using MambaExt.Distill.Stages;

namespace MambaExt.Distill.Tests.Stages;

public sealed class PrefixRefitTests
{
    private const int Images = 60, Classes = 5;

    [Fact]
    public void The_optimum_has_no_slope_and_no_lower_neighbour()
    {
        (float[][] logits, int[] labels) = Draw(4);
        var (w, objective) = PrefixRefit.Fit(logits, labels);
        Assert.Equal(Reference(logits, labels, w), objective, 10);
        for (int u = 0; u < 4; u++)
        {
            double[] up = [.. w], down = [.. w];
            up[u] += 1e-4;
            down[u] -= 1e-4;
            double slope = (Reference(logits, labels, up) - Reference(logits, labels, down)) / 2e-4;
            Assert.True(Math.Abs(slope) < 1e-6, $"slope {slope} along weight {u}");
            Assert.True(Reference(logits, labels, up) > objective && Reference(logits, labels, down) > objective);
        }
    }

    [Fact]
    public void A_longer_prefix_is_never_worse()
    {
        (float[][] logits, int[] labels) = Draw(6);
        double[]? before = null;
        double last = double.PositiveInfinity;
        for (int t = 1; t <= 6; t++)
        {
            var (w, objective) = PrefixRefit.Fit(logits[..t], labels, before);
            Assert.Equal(t, w.Length);
            Assert.True(objective <= last + 1e-12, $"prefix {t}: {objective} above {last}");
            (before, last) = (w, objective);
        }
    }

    [Fact]
    public void A_student_that_says_nothing_gets_no_weight()
    {
        (float[][] logits, int[] labels) = Draw(1);
        float[] nothing = new float[Images * Classes];
        var (w, _) = PrefixRefit.Fit([logits[0], nothing], labels);
        Assert.Equal(0, w[1], 9);
    }

    [Fact]
    public void Logits_that_separate_the_classes_do_not_run_away()
    {
        int[] labels = [.. Enumerable.Range(0, Images).Select(i => i % Classes)];
        float[] perfect = [.. labels.SelectMany(y => Enumerable.Range(0, Classes).Select(k => k == y ? 30f : -30f))];
        var (w, objective) = PrefixRefit.Fit([perfect], labels);
        Assert.InRange(w[0], 0, 5);
        Assert.InRange(objective, 0, 0.01);
    }

    private static (float[][] Logits, int[] Labels) Draw(int students)
    {
        var random = new Random(5);
        int[] labels = [.. Enumerable.Range(0, Images).Select(_ => random.Next(Classes))];
        return ([.. Enumerable.Range(0, students).Select(u => labels.SelectMany(y => Enumerable.Range(0, Classes).Select(k => (float)((random.NextDouble() * 4) + (k == y ? 0.3 * u : 0)))).ToArray())], labels);
    }

    private static double Reference(float[][] logits, int[] labels, double[] w)
    {
        double sum = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            double[] z = [.. Enumerable.Range(0, Classes).Select(k => w.Select((v, u) => v * logits[u][(i * Classes) + k]).Sum())];
            sum += Math.Log(z.Sum(Math.Exp)) - z[labels[i]];
        }

        return (sum / labels.Length) + (1e-3 * w.Sum(v => v * v));
    }
}
