namespace MambaExt.Distill.Stages;

/// <summary>How some logits do on labelled images.</summary>
/// <param name="accuracy">Share of right answers, percent</param>
/// <param name="nll">Mean negative log-likelihood of the labels, nats</param>
/// <param name="ece">Expected calibration error over 15 bins of confidence (Guo et al., arXiv 1706.04599), percent</param>
/// <param name="agreement">Share of images that are answered as the teacher answers them, percent; null without a teacher</param>
/// <param name="kl">Mean KL(teacher || these), nats; null without a teacher</param>
public sealed record Scores(double accuracy, double nll, double ece, double? agreement = null, double? kl = null)
{
    private const int Bins = 15;

    /// <summary>Scores logits.</summary>
    /// <param name="logits">[M, K] row by row</param>
    /// <param name="labels">[M]</param>
    /// <param name="teacher">Logits of the teacher, [M, K]; null for none</param>
    public static Scores Of(ReadOnlySpan<float> logits, int[] labels, ReadOnlySpan<float> teacher = default)
    {
        int count = labels.Length, classes = logits.Length / count, right = 0, agree = 0;
        double nll = 0, kl = 0;
        double[] p = new double[classes], q = new double[classes], confidence = new double[Bins], hits = new double[Bins];
        for (int i = 0; i < count; i++)
        {
            int best = LogSoftmax(logits.Slice(i * classes, classes), p);
            bool hit = best == labels[i];
            right += hit ? 1 : 0;
            nll -= p[labels[i]];
            int bin = Math.Min(Bins - 1, (int)(Math.Exp(p[best]) * Bins));
            confidence[bin] += Math.Exp(p[best]);
            hits[bin] += hit ? 1 : 0;
            if (!teacher.IsEmpty)
            {
                agree += LogSoftmax(teacher.Slice(i * classes, classes), q) == best ? 1 : 0;
                for (int k = 0; k < classes; k++)
                {
                    kl += Math.Exp(q[k]) * (q[k] - p[k]);
                }
            }
        }

        double ece = confidence.Zip(hits, (c, h) => Math.Abs(c - h)).Sum();
        return new Scores(100.0 * right / count, nll / count, 100 * ece / count, teacher.IsEmpty ? null : 100.0 * agree / count, teacher.IsEmpty ? null : kl / count);
    }

    /// <summary>Class of each row, the first of equals.</summary>
    public static int[] Classes(ReadOnlySpan<float> logits, int classes)
    {
        var best = new int[logits.Length / classes];
        for (int i = 0; i < best.Length; i++)
        {
            ReadOnlySpan<float> row = logits.Slice(i * classes, classes);
            for (int k = 1; k < classes; k++)
            {
                best[i] = row[k] > row[best[i]] ? k : best[i];
            }
        }

        return best;
    }

    private static int LogSoftmax(ReadOnlySpan<float> z, double[] to)
    {
        int best = 0;
        for (int k = 1; k < z.Length; k++)
        {
            best = z[k] > z[best] ? k : best;
        }

        double sum = 0;
        for (int k = 0; k < z.Length; k++)
        {
            sum += Math.Exp(z[k] - z[best]);
        }

        double all = Math.Log(sum) + z[best];
        for (int k = 0; k < z.Length; k++)
        {
            to[k] = z[k] - all;
        }

        return best;
    }
}
