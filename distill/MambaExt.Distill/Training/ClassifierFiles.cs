using System.Text.Json;
using System.Text.Json.Nodes;
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

    /// <summary>The files of a model folder, by name.</summary>
    public static IReadOnlyList<(string Name, byte[] Content)> Of(PatchMamba model, IReadOnlyList<string> classNames) =>
        ModelFolder.Files(model, new JsonObject { ["kind"] = MambaKind, ["options"] = JsonSerializer.SerializeToNode(model.Options) }, classNames);

    /// <summary>The files of a model folder, by name.</summary>
    public static IReadOnlyList<(string Name, byte[] Content)> Of(ResNetClassifier model, ResNetOptions options, IReadOnlyList<string> classNames) =>
        ModelFolder.Files(model, new JsonObject { ["kind"] = ResNetKind, ["options"] = JsonSerializer.SerializeToNode(options) }, classNames);

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
            throw new InvalidDataException($"The config.json of '{folder}' cannot be used ({e.Message.TrimEnd('.')}); restore the file.", e);
        }
    }

    private static TModule Filled<TModule>(TModule model, string folder)
        where TModule : nn.Module
    {
        ModelFolder.LoadInto(model, folder);
        model.eval();
        return model;
    }
}
