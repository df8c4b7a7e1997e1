using MambaExt.Distill.Stages;

namespace MambaExt.Distill.Tests.Stages;

public sealed class ScoresTests
{
    [Fact]
    public void Scores_are_those_of_the_definitions()
    {
        const int Count = 200, Classes = 4;
        var random = new Random(3);
        float[] logits = [.. Enumerable.Range(0, Count * Classes).Select(_ => (float)(6 * random.NextDouble()))], teacher = [.. logits.Select(z => z + (float)(4 * random.NextDouble()))];
        int[] labels = [.. Enumerable.Range(0, Count).Select(_ => random.Next(Classes))];
        double nll = 0, kl = 0;
        int right = 0, agree = 0;
        var bins = new List<(double Confidence, bool Hit)>[15];
        for (int i = 0; i < Count; i++)
        {
            double[] p = Softmax(logits, i), q = Softmax(teacher, i);
            nll -= Math.Log(p[labels[i]]) / Count;
            int best = Array.IndexOf(p, p.Max());
            right += best == labels[i] ? 1 : 0;
            agree += best == Array.IndexOf(q, q.Max()) ? 1 : 0;
            for (int k = 0; k < Classes; k++)
            {
                kl += q[k] * Math.Log(q[k] / p[k]) / Count;
            }

            (bins[Math.Min(14, (int)(p[best] * 15))] ??= []).Add((p[best], best == labels[i]));
        }

        // The share of a bin times the distance of its mean confidence from its accuracy.
        double ece = bins.Where(bin => bin is not null).Sum(bin => (double)bin.Count / Count * Math.Abs(bin.Average(b => b.Confidence) - bin.Average(b => b.Hit ? 1.0 : 0)));
        Scores scores = Scores.Of(logits, labels, teacher);
        Assert.Equal(100.0 * right / Count, scores.accuracy, 9);
        Assert.Equal(nll, scores.nll, 6);
        Assert.Equal(100 * ece, scores.ece, 5);
        Assert.Equal(100.0 * agree / Count, scores.agreement!.Value, 9);
        Assert.Equal(kl, scores.kl!.Value, 6);
        Assert.True(ece > 0.05 && kl > 0.05 && agree < Count);

        static double[] Softmax(float[] z, int row)
        {
            double[] e = [.. Enumerable.Range(0, Classes).Select(k => Math.Exp(z[(row * Classes) + k]))];
            return [.. e.Select(x => x / e.Sum())];
        }
    }
}
