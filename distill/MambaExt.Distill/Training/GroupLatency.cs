using MambaExt.Distill.Accounting;
using MambaExt.Distill.Inference;
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
}
