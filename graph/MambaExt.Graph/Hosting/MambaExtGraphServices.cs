using MambaExt.Graph.Hosting;
using MambaExt.Hosting;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Graph Mamba in a program that is put together from services.</summary>
public static class MambaExtGraphServices
{
    /// <summary>Registers <see cref="NodeClassification"/>, and everything of <see cref="MambaExtServices.AddMambaExt"/>.</summary>
    public static IServiceCollection AddMambaExtGraph(this IServiceCollection services, Action<MambaExtOptions>? configure = null)
    {
        services.AddMambaExt(configure);
        services.TryAddSingleton<NodeClassification>();
        return services;
    }
}
