using MambaExt.Distill.Accounting;
using MambaExt.Distill.Inference;
using MambaExt.Distill.Students;
using TorchSharp;
using static TorchSharp.torch;

namespace MambaExt.Distill.Training;

/// <summary>How long each prefix of a group takes on this machine, from images to its logits.</summary>
public static class GroupLatency
{
    /// <summary>Latency of prefix 1 ... T.</summary>
    /// <param name="group">The students</param>
    /// <param name="batch">Images at once</param>
    /// <param name="rounds">Calls that are timed</param>
    public static IReadOnlyList<Latency> Of(StudentGroup group, int batch, int rounds = 200)
    {
        using DisposeScope outer = NewDisposeScope();
        var about = group.About.students[0];
        Tensor images = zeros(batch, about.channels, about.height, about.width);
        var all = new List<Latency>();
        for (int t = 1; t <= group.Count; t++)
        {
            int count = t;
            all.Add(LatencyMeter.Measure(
                () =>
                {
                    using Tensor logits = group.Predict(images, count);
                },
                rounds));
        }

        return all;
    }

    /// <summary>Latency of each student alone; one that reads the feature of the student before it is preceded by that one.</summary>
    /// <inheritdoc cref="Of"/>
    public static IReadOnlyList<Latency> Alone(StudentGroup group, int batch, int rounds = 200)
    {
        using DisposeScope outer = NewDisposeScope();
        IReadOnlyList<PatchMambaOptions> students = group.About.students;
        Tensor images = zeros(batch, students[0].channels, students[0].height, students[0].width);
        return [.. Enumerable.Range(1, group.Count).Select(t => LatencyMeter.Measure(() => Once(t), rounds))];

        void Once(int t)
        {
            // The body before does not depend on what its own head reads.
            int reuse = students[t - 1].reuse > 0 ? students[t - 2].reuse : 0;
            Tensor? feature = null;
            if (students[t - 1].reuse > 0)
            {
                (feature, Tensor before) = group.Next(images, t - 1, reuse > 0 ? zeros(batch, reuse) : null);
                before.Dispose();
            }

            (Tensor own, Tensor logits) = group.Next(images, t, feature);
            own.Dispose();
            logits.Dispose();
        }
    }

    /// <summary>Latency of one classifier from its model folder: one image, and a batch of 64.</summary>
    /// <param name="folder">Of a Mamba or a residual classifier</param>
    /// <param name="like">Size of an image</param>
    internal static LatencyPair OfFolder(string folder, PatchMambaOptions like)
    {
        if (ClassifierFiles.IsMamba(folder))
        {
            using PatchMamba model = ClassifierFiles.LoadMamba(folder);
            using StudentGroup group = GroupFolder.OfOne(model);
            return new(Of(group, 1, LatencyPair.Rounds)[0], Of(group, LatencyPair.Batch, LatencyPair.BatchRounds)[0]);
        }

        using ResNetClassifier network = ClassifierFiles.LoadResNet(folder);
        using DisposeScope outer = NewDisposeScope();
        using IDisposable _ = no_grad();
        return new(Time(1, LatencyPair.Rounds), Time(LatencyPair.Batch, LatencyPair.BatchRounds));

        Latency Time(int batch, int rounds)
        {
            Tensor images = zeros(batch, like.channels, like.height, like.width);
            return LatencyMeter.Measure(() => network.call(images).Dispose(), rounds);
        }
    }
}
