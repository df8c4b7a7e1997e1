using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Inference;

/// <summary>What came of a batch where every image left as soon as its answer was sure.</summary>
/// <param name="Logits">[B, K], of the prefix that each image left at; the caller disposes them</param>
/// <param name="Students">How many students each image was shown to, [B]</param>
/// <param name="MeanFlops">Operations an image, mean over the batch</param>
public sealed record EarlyExitAnswer(Tensor Logits, int[] Students, double MeanFlops) : IDisposable
{
    /// <summary>Disposes the logits.</summary>
    public void Dispose() => Logits.Dispose();
}

/// <summary>Early exit: an image is done at the first prefix that is sure enough of it, <c>max softmax(F_t) &gt;= theta_t</c>; the others go on.</summary>
public static class EarlyExit
{
    /// <summary>Runs a batch. Images that are done are taken out of it, so that later students see fewer.</summary>
    /// <param name="group">The students</param>
    /// <param name="images">Normalized, [B, C, H, W]</param>
    /// <param name="thresholds">theta_1 ... theta_T; the last is not asked. Default those that the group was calibrated with</param>
    /// <exception cref="ArgumentException">There are none, or not one for each student.</exception>
    public static EarlyExitAnswer Run(StudentGroup group, Tensor images, IReadOnlyList<double>? thresholds = null)
    {
        thresholds ??= group.About.thresholds ?? throw new ArgumentException("The group has no calibrated thresholds; give one for each student, or calibrate it.");
        if (thresholds.Count != group.Count)
        {
            throw new ArgumentException($"There are {thresholds.Count} thresholds for {group.Count} students; give one for each.");
        }

        using DisposeScope scope = NewDisposeScope();
        using IDisposable _ = no_grad();
        int batch = checked((int)images.shape[0]);
        Tensor answers = zeros(batch, group.Classes);
        var students = new int[batch];
        int[] open = [.. Enumerable.Range(0, batch)];
        Tensor left = images;
        var own = new List<Tensor>();
        Tensor? feature = null;
        double flops = 0;
        for (int t = 1; t <= group.Count && open.Length > 0; t++)
        {
            (feature, Tensor logits) = group.Next(left, t, feature);
            own.Add(logits);
            Tensor prefix = group.Weighted(own, t);
            float[] confidence = prefix.softmax(1).amax([1L]).data<float>().ToArray();
            bool last = t == group.Count;
            int[] done = [.. Enumerable.Range(0, open.Length).Where(i => last || confidence[i] >= thresholds[t - 1])];
            int[] stay = [.. Enumerable.Range(0, open.Length).Except(done)];
            if (done.Length > 0)
            {
                answers.index_copy_(0, Index(done.Select(i => open[i])), prefix.index_select(0, Index(done)));
            }

            foreach (int i in done)
            {
                students[open[i]] = t;
                flops += group.Flops[t - 1];
            }

            if (done.Length > 0 && stay.Length > 0)
            {
                Tensor index = Index(stay);
                left = left.index_select(0, index);
                Tensor kept = feature.index_select(0, index).DetachFromDisposeScope();
                feature.Dispose();
                feature = kept;
                for (int u = 0; u < own.Count; u++)
                {
                    Tensor row = own[u].index_select(0, index).DetachFromDisposeScope();
                    own[u].Dispose();
                    own[u] = row;
                }
            }

            prefix.Dispose();
            open = [.. stay.Select(i => open[i])];
        }

        feature?.Dispose();
        own.ForEach(logits => logits.Dispose());
        return new EarlyExitAnswer(answers.MoveToOuterDisposeScope(), students, batch == 0 ? 0 : flops / batch);
    }

    /// <summary>The curve of one threshold for all prefixes, from the logits of every prefix.</summary>
    /// <param name="prefixes">Logits of prefix 1 ... T, [M, K] row by row</param>
    /// <param name="labels">[M]</param>
    /// <param name="flops">Operations of prefix 1 ... T</param>
    /// <param name="thetas">Thresholds to try</param>
    public static IReadOnlyList<ExitPoint> Curve(IReadOnlyList<float[]> prefixes, int[] labels, IReadOnlyList<long> flops, IReadOnlyList<double> thetas)
    {
        (float[][] confidence, int[][] classes) = Answers(prefixes, labels.Length);
        return [.. thetas.Select(theta => Point(confidence, classes, labels, flops, theta))];
    }

    /// <summary>The highest threshold whose mean operations are at most <paramref name="target"/>: the surest answers that the budget allows.</summary>
    /// <inheritdoc cref="Curve"/>
    /// <param name="prefixes">Logits of prefix 1 ... T, [M, K] row by row</param>
    /// <param name="labels">[M], of images that nothing was trained on</param>
    /// <param name="flops">Operations of prefix 1 ... T</param>
    /// <param name="target">Mean operations an image</param>
    /// <exception cref="ArgumentException">The first student alone costs more.</exception>
    public static ExitPoint Calibrate(IReadOnlyList<float[]> prefixes, int[] labels, IReadOnlyList<long> flops, double target)
    {
        if (target < flops[0])
        {
            throw new ArgumentException(FormattableString.Invariant($"A mean of {target:n0} FLOPs an image was asked for and the first student alone costs {flops[0]:n0}; give at least that."));
        }

        (float[][] confidence, int[][] classes) = Answers(prefixes, labels.Length);
        double low = 0, high = 1 + 1e-6;
        if (Point(confidence, classes, labels, flops, high) is var all && all.mean_flops <= target)
        {
            return all;
        }

        for (int i = 0; i < 60; i++)
        {
            double middle = (low + high) / 2;
            (low, high) = Point(confidence, classes, labels, flops, middle).mean_flops <= target ? (middle, high) : (low, middle);
        }

        return Point(confidence, classes, labels, flops, low);
    }

    /// <summary>Share of images that some prefix gets right and a later one wrong, percent: nothing forces a single answer to become better
    /// (Jazbec et al., arXiv 2306.02652).</summary>
    /// <param name="prefixes">Logits of prefix 1 ... T, [M, K] row by row</param>
    /// <param name="labels">[M]</param>
    public static double RightThenWrong(IReadOnlyList<float[]> prefixes, int[] labels)
    {
        (_, int[][] classes) = Answers(prefixes, labels.Length);
        int lost = Enumerable.Range(0, labels.Length).Count(i =>
        {
            int first = Array.FindIndex(classes, c => c[i] == labels[i]);
            return first >= 0 && classes.Skip(first).Any(c => c[i] != labels[i]);
        });
        return 100.0 * lost / labels.Length;
    }

    private static ExitPoint Point(float[][] confidence, int[][] classes, int[] labels, IReadOnlyList<long> flops, double theta)
    {
        double sum = 0;
        int right = 0;
        for (int i = 0; i < labels.Length; i++)
        {
            int t = 0;
            while (t < confidence.Length - 1 && !(confidence[t][i] >= theta))
            {
                t++;
            }

            sum += flops[t];
            right += classes[t][i] == labels[i] ? 1 : 0;
        }

        return new ExitPoint(theta, sum / labels.Length, 100.0 * right / labels.Length);
    }

    /// <summary>Confidence and class of each image at each prefix.</summary>
    private static (float[][] Confidence, int[][] Classes) Answers(IReadOnlyList<float[]> prefixes, int images)
    {
        var confidence = new float[prefixes.Count][];
        var classes = new int[prefixes.Count][];
        for (int t = 0; t < prefixes.Count; t++)
        {
            (confidence[t], classes[t]) = (new float[images], new int[images]);
            int k = prefixes[t].Length / images;
            for (int i = 0; i < images; i++)
            {
                ReadOnlySpan<float> row = prefixes[t].AsSpan(i * k, k);
                int best = 0;
                for (int j = 1; j < k; j++)
                {
                    best = row[j] > row[best] ? j : best;
                }

                double sum = 0;
                foreach (float z in row)
                {
                    sum += Math.Exp(z - row[best]);
                }

                (confidence[t][i], classes[t][i]) = ((float)(1 / sum), best);
            }
        }

        return (confidence, classes);
    }

    private static Tensor Index(params IEnumerable<int> rows) => tensor(rows.Select(i => (long)i).ToArray());
}

/// <summary>A point of the early-exit curve.</summary>
/// <param name="theta">The threshold</param>
/// <param name="mean_flops">Operations an image, mean</param>
/// <param name="accuracy">Percent</param>
public sealed record ExitPoint(double theta, double mean_flops, double accuracy);
