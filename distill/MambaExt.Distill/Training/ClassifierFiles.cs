using System.Text.Json;
using System.Text.Json.Nodes;
using MambaExt.Data.Images;
using MambaExt.Distill.Inference;
using MambaExt.Distill.Students;
using MambaExt.Runs;
using MambaExt.Vision;
using static TorchSharp.torch;

namespace MambaExt.Distill.Training;

/// <summary>Teachers and single students as model folders.</summary>
public static class ClassifierFiles
{
    /// <summary>Of a <see cref="PatchMamba"/>, and of a <see cref="ResNetClassifier"/>.</summary>
    public const string MambaKind = "mamba-image-classifier", ResNetKind = "resnet-image-classifier";

    private const string Mean = "mean", Deviation = "deviation";

    /// <summary>The files of a model folder, by name.</summary>
    /// <param name="model">Trained</param>
    /// <param name="normalization">What its images went through</param>
    /// <param name="classNames">[K]</param>
    public static IReadOnlyList<(string Name, byte[] Content)> Of(PatchMamba model, ImageNormalization normalization, IReadOnlyList<string> classNames) =>
        ModelFolder.Files(model, Config(MambaKind, model.Options, normalization), classNames);

    /// <inheritdoc cref="Of(PatchMamba, ImageNormalization, IReadOnlyList{string})"/>
    public static IReadOnlyList<(string Name, byte[] Content)> Of(ResNetClassifier model, ResNetOptions options, ImageNormalization normalization, IReadOnlyList<string> classNames) =>
        ModelFolder.Files(model, Config(ResNetKind, options, normalization), classNames);

    /// <summary>Whether a model folder holds a Mamba classifier.</summary>
    internal static bool IsMamba(string folder) => RunFolder.Read(folder, "config.json")?["kind"] is JsonValue kind && kind.TryGetValue(out string? word) && word == MambaKind;

    /// <summary>What the images of a classifier went through; null where its folder does not say.</summary>
    /// <exception cref="InvalidDataException">The folder is of another kind, or damaged.</exception>
    public static ImageNormalization? NormalizationOf(string folder)
    {
        var (config, _) = ModelFolder.Read(folder, MambaKind);
        if (!config.ContainsKey(Mean) && !config.ContainsKey(Deviation))
        {
            return null;
        }

        float[] mean = Numbers(Mean), deviation = Numbers(Deviation);
        return mean.Length == deviation.Length && mean.All(float.IsFinite) && deviation.All(d => d > 0 && float.IsFinite(d))
            ? new ImageNormalization(mean, deviation)
            : throw new InvalidDataException($"The config.json of '{folder}' has {mean.Length} means and {deviation.Length} deviations, of which each needs to be finite and deviations above 0; restore the file.");

        float[] Numbers(string key)
        {
            try
            {
                return config[key].Deserialize<float[]>() ?? [];
            }
            catch (JsonException e)
            {
                throw Unusable(folder, e);
            }
        }
    }

    /// <summary>A Mamba classifier in evaluation mode.</summary>
    /// <exception cref="InvalidDataException">The folder is of another kind, or damaged.</exception>
    public static PatchMamba LoadMamba(string folder)
    {
        var (config, labels) = ModelFolder.Read(folder, MambaKind);
        PatchMambaOptions options = Options<PatchMambaOptions>(config, folder);
        if (options.classes != labels.Count)
        {
            throw new InvalidDataException($"'{folder}' describes {options.classes} classes with {labels.Count} names; restore its files.");
        }

        try
        {
            options.Validate();
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"The config.json of '{folder}' cannot be used ({e.Message.TrimEnd('.')}); restore the file.", e);
        }

        ParameterFile.Require(folder, [options]);
        return Filled(new PatchMamba(options), folder);
    }

    /// <summary>A residual classifier in evaluation mode.</summary>
    /// <exception cref="InvalidDataException">The folder is of another kind, or damaged.</exception>
    public static ResNetClassifier LoadResNet(string folder)
    {
        var (config, labels) = ModelFolder.Read(folder, ResNetKind);
        return Filled(new ResNetClassifier(Options<ResNetOptions>(config, folder), labels.Count), folder);
    }

    private static T Options<T>(JsonObject config, string folder)
    {
        try
        {
            return config["options"].Deserialize<T>() ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw Unusable(folder, e);
        }
    }

    private static JsonObject Config<T>(string kind, T options, ImageNormalization normalization) => new()
    {
        ["kind"] = kind, ["options"] = JsonSerializer.SerializeToNode(options), [Mean] = JsonSerializer.SerializeToNode(normalization.Mean.ToArray()), [Deviation] = JsonSerializer.SerializeToNode(normalization.Deviation.ToArray()),
    };

    private static InvalidDataException Unusable(string folder, JsonException e) => new($"The config.json of '{folder}' cannot be used ({e.Message.TrimEnd('.')}); restore the file.", e);

    private static TModule Filled<TModule>(TModule model, string folder)
        where TModule : nn.Module
    {
        ModelFolder.LoadInto(model, folder);
        model.eval();
        return model;
    }
}
